#!/bin/sh
# Publishes the event in a file under a new id, and prints its receipt. Usage: publish.sh FILE
set -eu
: "${SX_GATEWAY:?}"
here=$(dirname "$0")

# One id for one event: sent again under the same id, it is taken once.
id=$(openssl rand -hex 16)
sed -e "s/\"id\": *\"[^\"]*\"/\"id\": \"$id\"/" "$1" |
  curl --silent --show-error --fail-with-body --retry 5 "$SX_GATEWAY/v1/events" \
    -H "Authorization: Bearer $("$here/token.sh")" -H "Content-Type: application/cloudevents+json" \
    -H "Prefer: wait=10" --data-binary @-
echo
