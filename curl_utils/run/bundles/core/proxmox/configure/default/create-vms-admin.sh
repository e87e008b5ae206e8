#!/bin/sh
# Creates the machines of the set: one run for each, then one for all.
#
# POST /v0/admin/run/bundles/core/proxmox/configure/default/create-vms-admin (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "vms": {
    "admin-wazuh": {
      "vm_id": 1000,
      "vm_ip": "192.168.42.10",
      "vm_description": "a box"
    },
    "admin-web-api-kong": {
      "vm_id": 1001,
      "vm_ip": "192.168.42.11",
      "vm_description": "a box"
    },
    "admin-web-builder-api": {
      "vm_id": 1002,
      "vm_ip": "192.168.42.12",
      "vm_description": "a box"
    },
    "admin-web-deployer-ui": {
      "vm_id": 1003,
      "vm_ip": "192.168.42.13",
      "vm_description": "a box"
    },
    "admin-web-emp": {
      "vm_id": 1004,
      "vm_ip": "192.168.42.14",
      "vm_description": "a box"
    }
  }
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-admin" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
