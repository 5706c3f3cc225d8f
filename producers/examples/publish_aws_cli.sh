#!/bin/sh
# Publishes a transaction with the AWS CLI, version 1 or 2. Copy this file and put your own event in the place of this one.
#
#   AWS_DEFAULT_REGION=us-east-1 FRAUDSTREAM_STREAM_NAME=transactions sh publish_aws_cli.sh
#
# The CLI finds credentials and endpoint by itself (AWS_PROFILE, AWS_ENDPOINT_URL, ...); they need kinesis:PutRecord on the
# stream. Sending the same event again is safe: it is decided once.
set -eu
stream=${FRAUDSTREAM_STREAM_NAME:-transactions}
transaction_id=t-$(date -u +%Y%m%dT%H%M%SZ)-$$
user_id=u-4711

event=$(cat <<JSON
{
  "transaction_id": "$transaction_id",
  "timestamp": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "user_id": "$user_id",
  "amount": 1249.90,
  "currency": "EUR",
  "merchant_category": "electronics",
  "location": {"country": "PT", "city": "Porto", "latitude": 41.15, "longitude": -8.61},
  "device_info": {"device_type": "mobile", "ip_address": "198.51.100.7"}
}
JSON
)

# fileb:// hands the bytes over as they are, in both versions; a plain --data is base64 in one and text in the other.
printf '%s' "$event" | aws kinesis put-record \
  --stream-name "$stream" \
  --partition-key "$user_id" \
  --data fileb:///dev/stdin \
  --query '[ShardId, SequenceNumber]' --output text
echo "published $transaction_id"
