#!/bin/sh
# Corrects what differs from the records of a range.
#
# POST /v1/ranges/{id}/actions/repair (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT
set -eu

curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  "${BASE_URL:-http://127.0.0.1:8000}/v1/ranges/${ID:-lab}/actions/repair${QUERY:+?$QUERY}" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
