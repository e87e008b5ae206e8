#!/bin/sh
# Clones a machine or a template.
#
# POST /v0/admin/proxmox/vms/vm_id/clone (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "vm_new_id": "1001",
  "vm_description": "cloned-vm",
  "vm_name": "web-02"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/vms/vm_id/clone" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
