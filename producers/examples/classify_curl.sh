#!/bin/sh
# Asks the gateway for a decision with curl, 7.76 or newer, and prints it. Copy this file and put your own transaction in the
# place of this one.
#
#   export FRAUDSTREAM_GATEWAY_URL=http://127.0.0.1:8080 FRAUDSTREAM_API_KEY=fs_...
#   sh classify_curl.sh
#
# Ends with 0 and the decision, or with the gateway's reasons on stderr. `fraudstream keys create` makes keys.
set -eu
gateway=${FRAUDSTREAM_GATEWAY_URL:-http://127.0.0.1:8080}
key=${FRAUDSTREAM_API_KEY:?is not set: the key that fraudstream keys create has shown}
transaction_id=t-$(date -u +%Y%m%dT%H%M%SZ)-$$ # the same in every retry, so that it is decided once
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/request.json" <<JSON
{
  "transaction_id": "$transaction_id",
  "amount": 149.99,
  "hour": 14,
  "day_of_week": 2,
  "merchant_category": "electronics",
  "location": {"country": "US", "state": "CA", "city": "San Francisco", "latitude": 37.77, "longitude": -122.42},
  "device_info": {"device_type": "mobile", "ip_address": "192.0.2.1"},
  "user_id": "user-000042",
  "previous_transactions_count": 47
}
JSON

# Prints the status. The key goes through stdin: arguments can be seen in the list of processes. curl asks again, after
# Retry-After, where the gateway is busy (429) or away (503).
ask() {
  printf 'X-API-Key: %s\n' "$key" | curl --silent --show-error --fail-with-body --max-time 15 \
    --retry 5 --retry-connrefused --header @- --output "$folder/answer.json" --write-out '%{http_code}' "$@" ||
    { cat "$folder/answer.json" >&2; exit 1; }
}

status=$(ask --header 'Content-Type: application/json' --data-binary "@$folder/request.json" "$gateway/api/v1/classify")
tries=0
while [ "$status" = 202 ]; do # accepted, and not decided yet
  tries=$((tries + 1))
  [ "$tries" -le 60 ] || { echo "accepted, and not decided after a minute: ask for $transaction_id later" >&2; exit 1; }
  sleep 1
  status=$(ask "$gateway/api/v1/transactions/$transaction_id")
done
cat "$folder/answer.json"
echo
