#!/bin/sh
# Switches the firewall of the datacenter on.
#
# POST /v0/admin/proxmox/firewall/datacenter/enable (permission: admin)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_api_host": "",
  "as_json": true
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/firewall/datacenter/enable" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
