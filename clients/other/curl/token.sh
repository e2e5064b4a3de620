#!/usr/bin/env bash
# Prints an access token, good for ten minutes: client credentials with a statement signed by the agency's own key
# (private_key_jwt, RFC 7523, ES256). Needs bash, curl and openssl; any OAuth 2.0 library does the same in one call.
set -euo pipefail
: "${SX_AGENCY:?}" "${SX_ISSUER:?}" "${SX_KEY_FILE:?}"

url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
number() { printf '%064s' "$1" | tr ' ' '0' | tail -c 64; } # 32 bytes in hexadecimal

now=$(date +%s)
head=$(printf '{"alg":"ES256"}' | url)
says=$(printf '{"iss":"%s","sub":"%s","aud":"%s/token","iat":%s,"exp":%s,"jti":"%s"}' \
  "$SX_AGENCY" "$SX_AGENCY" "$SX_ISSUER" "$now" "$((now + 60))" "$(openssl rand -hex 16)" | url)

# openssl signs in ASN.1; a JWT wants the two numbers bare, 32 bytes each.
signed=$(mktemp)
trap 'rm -f "$signed"' EXIT
printf '%s.%s' "$head" "$says" | openssl dgst -sha256 -sign "$SX_KEY_FILE" -out "$signed"
numbers=$(openssl asn1parse -inform DER -in "$signed" | sed -n 's/.*INTEGER *:\([0-9A-F]*\)$/\1/p')
hex=$(for each in $numbers; do number "$each"; done)
signature=$(printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | url)

curl --silent --show-error --fail "$SX_ISSUER/token" \
  -d grant_type=client_credentials \
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  -d "client_assertion=$head.$says.$signature" |
  sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p'
