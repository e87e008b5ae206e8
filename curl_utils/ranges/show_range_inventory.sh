#!/bin/sh
# Returns the Ansible inventory of a range as YAML.
#
# GET /v1/ranges/{id}/inventory (permission: viewer)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT
set -eu

curl -sS --fail-with-body --globoff -X GET -K /dev/fd/3 \
  "${BASE_URL:-http://127.0.0.1:8000}/v1/ranges/${ID:-lab}/inventory${QUERY:+?$QUERY}" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
