#!/bin/sh
# Deletes a rule of a machine's firewall.
#
# DELETE /v0/admin/proxmox/firewall/vm/rules/delete (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "vm_fw_pos": 0
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X DELETE -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/firewall/vm/rules/delete" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
