"""The AsyncAPI 3.0 document: what to send into the stream and what comes out of the topic, for tools and people. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schemas.decision import RISK_LEVELS

Document = dict[str, Any]
ASYNCAPI_VERSION = "3.0.0"
CONTRACT_VERSION = "1"
"""The major version of the event and of the alert: within it fields are only added (schemas.released)."""
_HERE, _THERE = '"#/$defs/', '"#/components/schemas/'


def asyncapi_document(event: Mapping[str, Any], alert: Mapping[str, Any]) -> Document:
    """Return the document for the published JSON Schemas of the event and of the alert, with their examples."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": _INFO,
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": _CHANNELS,
        "operations": _OPERATIONS,
        "components": {
            "messages": {
                "transactionEvent": _message(event, **_EVENT),
                "fraudAlert": _message(alert, **_ALERT),
            },
            "schemas": _components(event) | _components(alert),
        },
    }


def _message(schema: Mapping[str, Any], **about: Any) -> Document:
    return {
        **about,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{schema['title']}"},
        "examples": [{"payload": example} for example in schema["examples"]],
    }


def _components(schema: Mapping[str, Any]) -> Document:
    """Return the schema and its parts under their titles, every reference pointing among them."""
    parts: Document = json.loads(json.dumps(schema).replace(_HERE, _THERE))
    inner = parts.pop("$defs", {})
    whole = {name: value for name, value in parts.items() if name not in ("$schema", "$id", "examples")}
    return {**inner, schema["title"]: whole}


_INFO: Document = {
    "title": "Fraudstream",
    "version": CONTRACT_VERSION,
    "description": "Transactions in, each decided once; alerts out. Fields are only ever added: senders may send fields that this "
    "document does not name (they are ignored), and readers ignore fields that they do not know. Whoever would rather ask and wait for "
    "the answer calls the HTTP gateway, which has an OpenAPI document of its own.",
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
}
_REGION: Document = {"region": {"default": "us-east-1", "description": "the region of the deployment"}}
_SERVERS: Document = {
    "kinesis": {
        "host": "kinesis.{region}.amazonaws.com",
        "protocol": "kinesis",
        "description": "PutRecord and PutRecords over HTTPS, signed with AWS credentials that allow them on the stream",
        "variables": _REGION,
    },
    "sns": {
        "host": "sns.{region}.amazonaws.com",
        "protocol": "sns",
        "description": "a standard topic; subscribe a queue, a function, an HTTPS endpoint or a mailbox, with a filter if need be",
        "variables": _REGION,
    },
}
_CHANNELS: Document = {
    "transactions": {
        "address": "{stream}",
        "title": "Transactions",
        "description": "The Kinesis stream. One record is one event, UTF-8, at most 65536 bytes. Use the user_id as the partition key. "
        "What you send again, send unchanged: the first event of a transaction_id and timestamp counts, and another content under the "
        "same transaction_id is refused.",
        "servers": [{"$ref": "#/servers/kinesis"}],
        "parameters": {"stream": {"default": "transactions", "description": "the stream's name"}},
        "messages": {"transactionEvent": {"$ref": "#/components/messages/transactionEvent"}},
        "x-partition-key": "$message.payload#/user_id",
    },
    "alerts": {
        "address": "{topic}",
        "title": "Alerts",
        "description": "The SNS topic. A message may come twice, and in any order: de-duplicate on alert_id.",
        "servers": [{"$ref": "#/servers/sns"}],
        "parameters": {"topic": {"default": "fraudstream-alerts", "description": "the topic's name"}},
        "messages": {"fraudAlert": {"$ref": "#/components/messages/fraudAlert"}},
    },
}
_OPERATIONS: Document = {
    "receiveTransaction": {
        "action": "receive",
        "title": "Send a transaction",
        "summary": "Fraudstream receives what you send, decides it once and keeps the decision.",
        "channel": {"$ref": "#/channels/transactions"},
        "messages": [{"$ref": "#/channels/transactions/messages/transactionEvent"}],
    },
    "sendAlert": {
        "action": "send",
        "title": "Receive an alert",
        "summary": "Fraudstream sends an alert for each decision that the policy alerts on.",
        "channel": {"$ref": "#/channels/alerts"},
        "messages": [{"$ref": "#/channels/alerts/messages/fraudAlert"}],
    },
}
_TEXT = {"type": "string"}
_EVENT: Document = {
    "name": "transactionEvent",
    "title": "Transaction",
    "summary": "One transaction to be decided.",
    "correlationId": {"location": "$message.payload#/transaction_id"},
}
_ALERT: Document = {
    "name": "fraudAlert",
    "title": "Alert",
    "summary": "A decision that people should look at.",
    "correlationId": {"location": "$message.payload#/transaction_id"},
    "headers": {
        "type": "object",
        "description": "SNS message attributes, for subscription filters; what is empty is left out. Numbers have five decimals.",
        "properties": {
            "schema": _TEXT,
            "severity": {"type": "string", "enum": list(RISK_LEVELS)},
            **dict.fromkeys(("rule", "country", "merchant_category", "model_version"), _TEXT),
            "amount": {"type": "number", "maximum": 1_000_000_000},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "required": ["schema", "severity", "rule", "model_version", "amount", "score"],
    },
}
