#!/bin/sh
# Creates a range from a document.
#
# POST /v1/ranges (permission: operator)
#
#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input
set -eu

body='{
  "document": {
    "name": "lab",
    "platform": "simulated",
    "networks": {
      "lan": {}
    },
    "machines": {
      "gw": {
        "template": "debian-12",
        "role": "router",
        "networks": [
          "lan",
          "uplink"
        ]
      },
      "web": {
        "template": "debian-12",
        "networks": [
          "lan"
        ],
        "needs": [
          "gw"
        ]
      }
    }
  }
}'
[ $# -eq 0 ] || body=$1
[ "$body" != - ] || body=$(cat)

printf '%s' "$body" | curl -sS --fail-with-body --globoff -X POST -K /dev/fd/3 \
  -H 'content-type: application/yaml' --data-binary @- \
  "${BASE_URL:-http://127.0.0.1:8000}/v1/ranges${QUERY:+?$QUERY}" 3<<KEY
${API_TOKEN:+header = "authorization: Bearer $API_TOKEN"}
${API_KEY:+header = "apikey: $API_KEY"}
KEY
echo
