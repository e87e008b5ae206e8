#!/bin/sh
# Creates a container.
#
# POST /v0/admin/proxmox/lxc/create (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "lxc_name": "web-ct",
  "lxc_template": "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst",
  "proxmox_storage": "local-lvm",
  "lxc_disk_size": 8,
  "lxc_cores": 1,
  "lxc_memory": 512,
  "lxc_password": "",
  "lxc_ssh_pubkeys": "ssh-ed25519 AAAA... me",
  "lxc_net_name": "eth0",
  "lxc_bridge": "vmbr0",
  "lxc_ip": "192.168.42.60/24",
  "lxc_gateway": "192.168.42.1",
  "lxc_dns_primary": "192.168.42.1",
  "lxc_dns_secondary": "9.9.9.9"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/lxc/create" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
