#!/bin/sh
# Adds a rule to a machine's firewall.
#
# POST /v0/admin/proxmox/firewall/vm/rules/apply (permission: operator)
#
#   [BASE_URL=URL] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "vm_id": "1000",
  "vm_fw_action": "ACCEPT",
  "vm_fw_dport": "22",
  "vm_fw_enable": 1,
  "vm_fw_proto": "tcp",
  "vm_fw_type": "in",
  "vm_fw_log": "info",
  "vm_fw_iface": "net0",
  "vm_fw_source": "10.0.0.0/8",
  "vm_fw_dest": "10.1.0.0/16",
  "vm_fw_sport": "1024:65535",
  "vm_fw_comment": "ssh from the office",
  "vm_fw_pos": 0
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/firewall/vm/rules/apply" 3<<KEY
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
