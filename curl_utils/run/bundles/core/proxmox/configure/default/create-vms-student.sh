#!/bin/sh
# Creates the machines of the set: one run for each, then one for all.
#
# POST /v0/admin/run/bundles/core/proxmox/configure/default/create-vms-student (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "vms": {
    "student-box-01": {
      "vm_id": 3001,
      "vm_ip": "192.168.42.10",
      "vm_description": "a box"
    }
  }
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-student" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
