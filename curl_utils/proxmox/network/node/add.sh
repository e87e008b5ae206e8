#!/bin/sh
# Adds a network interface to a node.
#
# POST /v0/admin/proxmox/network/node/add (permission: admin)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "bridge_ports": "enp2s0",
  "iface_name": "vmbr142",
  "iface_type": "bridge",
  "iface_autostart": 1,
  "ip_address": "192.168.142.1",
  "ip_netmask": "255.255.255.0",
  "ip_gateway": "192.168.142.254",
  "ovs_bridge": "vmbr1"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/network/node/add" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
