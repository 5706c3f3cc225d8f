"""Rules of effects.md, section 3: alerts leave through an outbox."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SQL = "sinks/ledger/sql/queries"
_OUTBOX = "tests/contract/test_outbox_contract.py"
_RELAYS = "tests/integration/test_outbox_relays.py"
_RELAY = "tests/unit/test_alerts_relay.py"
_SNS = "tests/unit/test_alerts_sns.py"

ALERTS = (
    Mutation(
        "alert_id is deterministic: UUIDv5 of the identity and rule.",
        "every incarnation gives the alert another id",
        "schemas/alert.py",
        'return uuid5(_NAMESPACE, f"{identity.transaction_id}\\0{format_timestamp(identity.event_time)}\\0{rule}")',
        "return __import__('uuid').uuid4()",
        "tests/unit/test_compose.py::test_every_incarnation_gives_the_alert_of_an_event_the_same_id",
    ),
    Mutation(
        "UUIDv5 of the identity and rule.",
        "two events of one transaction id share an alert",
        "schemas/alert.py",
        "\\0{format_timestamp(identity.event_time)}\\0{rule}",
        "\\0{rule}",
        "tests/unit/test_compose.py::test_other_events_and_rules_have_other_ids",
    ),
    Mutation(
        "The relay publishes and marks them sent.",
        "alerts are marked sent before they are published",
        "sinks/alerts/relay.py",
        "        result = self._publish(claimed)\n",
        "        self._outbox.mark_sent({alert.alert_id: '' for alert in claimed})\n"
        "        result = self._publish(claimed)\n",
        f"{_RELAY}::test_a_topic_that_cannot_be_reached_delays_the_alerts",
    ),
    Mutation(
        "An HTTP 200 may hold `Failed`: retry those only.",
        "what failed inside a good answer is marked sent",
        "sinks/alerts/sns.py",
        'part = outcome.refused if failure["SenderFault"] else outcome.failed',
        'part = outcome.refused if failure["SenderFault"] else outcome.sent',
        f"{_SNS}::test_an_answer_of_200_may_hold_failures",
    ),
    Mutation(
        "An HTTP 200 may hold `Failed`: retry those only.",
        "all of an answer that holds a failure is sent again",
        "sinks/alerts/sns.py",
        '    sent = {entry["Id"]: entry["MessageId"] for entry in response.get("Successful", ())}\n',
        '    sent = {entry["Id"]: entry["MessageId"] for entry in response.get("Successful", ())}\n'
        '    sent = {} if response.get("Failed") else sent\n',
        f"{_SNS}::test_an_answer_of_200_may_hold_failures",
    ),
    Mutation(
        "SenderFault → park.",
        "what the topic refuses for good is sent again and again",
        "sinks/alerts/sns.py",
        'part = outcome.refused if failure["SenderFault"] else outcome.failed',
        "part = outcome.failed",
        f"{_SNS}::test_an_answer_of_200_may_hold_failures",
    ),
    Mutation(
        "The relay marks what left as sent.",
        "what left is not marked",
        "sinks/alerts/relay.py",
        "        self._outbox.mark_sent(result.sent)\n",
        "",
        f"{_RELAY}::test_every_alert_is_told_once",
    ),
    Mutation(
        "PublishBatch (≤ 10).",
        "a batch holds eleven",
        "sinks/alerts/batches.py",
        "MAX_ENTRIES = 10\n",
        "MAX_ENTRIES = 11\n",
        f"{_SNS}::test_a_batch_holds_ten_at_most",
    ),
    Mutation(
        "The relay claims rows: claimed_until.",
        "two relays claim the same alert",
        f"{_SQL}/outbox_claim.sql",
        " and (claimed_until is null or claimed_until <= now())",
        "",
        f"{_OUTBOX}::test_relays_that_claim_at_once_share_the_alerts",
    ),
    Mutation(
        "The relay claims rows until claimed_until.",
        "a claim never expires",
        f"{_SQL}/outbox_claim.sql",
        "(claimed_until is null or claimed_until <= now())",
        "claimed_until is null",
        f"{_OUTBOX}::test_a_claim_that_expired_is_given_to_another_relay",
    ),
    Mutation(
        "for update skip locked",
        "a relay waits for an alert that another holds",
        f"{_SQL}/outbox_claim.sql",
        "for update skip locked",
        "for update",
        f"{_RELAYS}::test_an_alert_that_another_holds_is_passed_over",
    ),
    Mutation(
        "What is not sent is decided at claim time, under one advisory lock.",
        "two relays decide at once",
        "sinks/ledger/outbox.py",
        '            connection.execute(query("lock"), {"name": _CLAIM_LOCK})\n',
        "",
        f"{_RELAYS}::test_one_relay_at_a_time_decides_what_is_told",
    ),
    Mutation(
        "Too old (alert_max_age, against arrival): such rows keep their reason and are not sent.",
        "the age of an alert is counted from its birth",
        f"{_SQL}/outbox_suppress_too_old.sql",
        "arrival_time <",
        "created_at <",
        f"{_OUTBOX}::test_an_alert_that_is_too_old_is_kept_but_not_sent",
    ),
    Mutation(
        "What was sent stays sent.",
        "what one relay sent, another parks",
        f"{_SQL}/outbox_park.sql",
        " and o.state = 'pending'",
        "",
        "tests/contract/test_outbox_contract.py::test_what_one_relay_sent_another_cannot_fail_or_park",
    ),
    Mutation(
        "Retry with backoff.",
        "what failed is due at once and holds back the others",
        f"{_SQL}/outbox_mark_failed.sql",
        "random() * least(",
        "0 * least(",
        f"{_OUTBOX}::test_what_failed_waits_and_lets_the_others_pass",
    ),
)
