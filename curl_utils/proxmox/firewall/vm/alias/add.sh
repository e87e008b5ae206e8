#!/bin/sh
# Adds an alias to a machine's firewall.
#
# POST /v0/admin/proxmox/firewall/vm/alias/add (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "vm_fw_alias_name": "office",
  "vm_fw_alias_cidr": "10.0.0.0/8",
  "vm_fw_alias_comment": "our office"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/firewall/vm/alias/add" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
