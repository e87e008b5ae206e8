#!/bin/sh
# Downloads an ISO image with Proxmox.
#
# POST /v0/admin/proxmox/storage/download_iso (permission: admin)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "proxmox_node": "pve01",
  "as_json": true,
  "proxmox_storage": "local",
  "iso_file_content_type": "iso",
  "iso_file_name": "debian-13.iso",
  "iso_url": "https://images.example.org/debian-13.iso"
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/json' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/proxmox/storage/download_iso" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
