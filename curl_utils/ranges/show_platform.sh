#!/bin/sh
# Shows what a platform accepts and provides.
#
# GET /v1/platforms/{platform} (permission: viewer)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT
set -eu

curl -sS --fail-with-body --globoff -X GET -K /dev/fd/3 \
  "${BASE_URL:-http://127.0.0.1:8000}/v1/platforms/${PLATFORM:-simulated}${QUERY:+?$QUERY}" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
