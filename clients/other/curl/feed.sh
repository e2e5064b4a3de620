#!/bin/sh
# Prints a page of the agency's feed; give it the `next` of the page before to read on. Usage: feed.sh [CURSOR]
set -eu
: "${SX_GATEWAY:?}"
here=$(dirname "$0")

curl --silent --show-error --fail-with-body --get "$SX_GATEWAY/v1/feed" \
  -H "Authorization: Bearer $("$here/token.sh")" -H "Prefer: wait=10" ${1:+--data-urlencode "after=$1"}
echo
