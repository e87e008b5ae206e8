#!/bin/sh
# Adds a network interface to a machine.
#
# POST /v0/admin/proxmox/network/vm/add (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "iface_model": "virtio",
  "iface_bridge": "vmbr142",
  "vm_vmnet_id": 1,
  "iface_trunks": null,
  "iface_tag": 5,
  "iface_rate": 1.5,
  "iface_queues": 2,
  "iface_mtu": 1500,
  "iface_macaddr": "AA:BB:CC:DD:EE:FF",
  "iface_link_down": false,
  "iface_firewall": true
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/network/vm/add" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
