#!/bin/sh
# Adds a user.
#
# POST /v0/admin/run/bundles/core/linux/ubuntu/configure/add-user (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "hosts": "web-01",
  "user": "trainee",
  "password": "",
  "change_pwd_at_logon": true,
  "shell_path": "/bin/bash"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/run/bundles/core/linux/ubuntu/configure/add-user" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
