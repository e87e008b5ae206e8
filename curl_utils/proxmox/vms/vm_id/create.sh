#!/bin/sh
# Creates a machine.
#
# POST /v0/admin/proxmox/vms/vm_id/create (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "vm_name": "web-02",
  "vm_cpu": "host",
  "vm_cores": 2,
  "vm_sockets": 1,
  "vm_memory": 2048,
  "vm_disk_size": 32,
  "vm_iso": "local:iso/debian-13.iso"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/vms/vm_id/create" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
