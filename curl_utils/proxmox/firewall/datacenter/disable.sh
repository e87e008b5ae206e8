#!/bin/sh
# Switches the firewall of the datacenter off.
#
# POST /v0/admin/proxmox/firewall/datacenter/disable (permission: admin)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "proxmox_api_host": ""
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/firewall/datacenter/disable" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
