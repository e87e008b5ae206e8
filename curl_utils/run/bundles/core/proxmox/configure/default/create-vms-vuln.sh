#!/bin/sh
# Creates the machines of the set: one run for each, then one for all.
#
# POST /v0/admin/run/bundles/core/proxmox/configure/default/create-vms-vuln (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "vms": {
    "vuln-box-00": {
      "vm_id": 4000,
      "vm_ip": "192.168.42.10",
      "vm_description": "a box"
    },
    "vuln-box-01": {
      "vm_id": 4001,
      "vm_ip": "192.168.42.11",
      "vm_description": "a box"
    },
    "vuln-box-02": {
      "vm_id": 4002,
      "vm_ip": "192.168.42.12",
      "vm_description": "a box"
    },
    "vuln-box-03": {
      "vm_id": 4003,
      "vm_ip": "192.168.42.13",
      "vm_description": "a box"
    },
    "vuln-box-04": {
      "vm_id": 4004,
      "vm_ip": "192.168.42.14",
      "vm_description": "a box"
    }
  }
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-vuln" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
