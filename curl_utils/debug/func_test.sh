#!/bin/sh
# Checks that machine 1000 exists, and returns `null` if it does.
#
# POST /v0/admin/debug/func_test (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT
set -eu

curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  "${BASE_URL:-http://127.0.0.1:8000}/v0/admin/debug/func_test" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
