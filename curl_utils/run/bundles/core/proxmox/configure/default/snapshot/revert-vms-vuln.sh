#!/bin/sh
# Reverts the machines of the set to a snapshot.
#
# POST /v0/admin/run/bundles/core/proxmox/configure/default/snapshot/revert-vms-vuln (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_snapshot_name": "before_exercise"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/revert-vms-vuln" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
