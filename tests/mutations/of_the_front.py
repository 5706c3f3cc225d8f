"""Rules of the front door's ledger: one reservation an id, whoever asks, and verdicts for all that waits."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SQL = "sinks/ledger/sql/queries"
_FRONT = "sinks/ledger/front.py"
_CONTRACT = "tests/contract/test_front_contract.py"
_RETENTION = "tests/integration/test_reservation_retention.py"
_PLANS = "tests/integration/test_front_plans.py"

FRONT = (
    Mutation(
        "Without an order two gateways that reserve the same ids deadlock.",
        "ids are reserved in the order asked",
        f"{_SQL}/insert_reservations.sql",
        "order by asked.transaction_id, asked.number\n",
        "order by asked.number\n",
        f"{_CONTRACT}::test_of_gateways_that_reserve_the_same_ids_at_once_one_is_first",
    ),
    Mutation(
        "First write wins on the transaction id, also inside one batch.",
        "the last of a batch wins",
        f"{_SQL}/insert_reservations.sql",
        "asked.number\n",
        "asked.number desc\n",
        f"{_CONTRACT}::test_inside_a_batch_the_first_asked_wins",
    ),
    Mutation(
        "Exactly one of all callers is told that it is new.",
        "whoever asks for what was inserted is told that it is new",
        _FRONT,
        "        inserted.discard(reservation)",
        "        _ = inserted",
        f"{_CONTRACT}::test_inside_a_batch_the_first_asked_wins",
    ),
    Mutation(
        "An event that was published to the stream takes its id as well.",
        "an id that was decided without a reservation is reserved",
        f"{_SQL}/insert_reservations.sql",
        "where not exists (\n",
        "where true or not exists (\n",
        f"{_CONTRACT}::test_an_id_that_was_decided_without_a_reservation_is_not_reserved",
    ),
    Mutation(
        "Decisions are those around the reservation that stands.",
        "decisions are those around the event that is asked for",
        f"{_SQL}/decisions_around_reservations.sql",
        "between coalesce(standing.event_time, asked.event_time) - %(horizon)s",
        "between asked.event_time - %(horizon)s",
        f"{_CONTRACT}::test_decisions_come_with_the_reservation_that_stands",
    ),
    Mutation(
        "A decision of the identity wins over a refusal at the position.",
        "a refusal hides the decision",
        _FRONT,
        "verdicts.setdefault(identity, refusals[position])",
        "verdicts[identity] = refusals[position]",
        f"{_CONTRACT}::test_a_decision_of_the_identity_wins_over_a_refusal_at_a_position",
    ),
    Mutation(
        "What is refused is told to who waits for it.",
        "refusals are not asked for",
        _FRONT,
        "if is_any_refused(probed) else {}",
        "if not is_any_refused(probed) and not places else {}",
        f"{_CONTRACT}::test_a_refusal_settles_what_waits_at_its_position",
    ),
    Mutation(
        "The oldest reservations are forgotten first.",
        "retention deletes the young",
        f"{_SQL}/forget_reservations.sql",
        "reserved_at < %(before)s",
        "reserved_at > %(before)s",
        f"{_RETENTION}::test_the_oldest_are_forgotten_first_and_no_more_than_asked_for",
    ),
    Mutation(
        "Retention is bounded steps.",
        "retention deletes everything at once",
        f"{_SQL}/forget_reservations.sql",
        "    limit %(limit)s\n",
        "    limit 10 * %(limit)s\n",
        f"{_RETENTION}::test_the_oldest_are_forgotten_first_and_no_more_than_asked_for",
    ),
    Mutation(
        "Processes that forget at once do not wait for each other.",
        "retention waits for another's rows",
        f"{_SQL}/forget_reservations.sql",
        "for update skip locked",
        "for update",
        f"{_RETENTION}::test_a_row_that_another_process_deletes_is_left_to_it",
    ),
    Mutation(
        "A reservation costs probes, however much the ledger holds.",
        "decisions of a batch are read by the week",
        f"{_SQL}/decisions_around_reservations.sql",
        "    where d.transaction_id = asked.transaction_id\n",
        "    where d.transaction_id || '' = asked.transaction_id\n",
        f"{_PLANS}::test_a_reservation_is_a_few_probes",
    ),
    Mutation(
        "A revoked key stays revoked as of the first time.",
        "a second revocation moves the time",
        f"{_SQL}/revoke_api_key.sql",
        "coalesce(revoked_at, %(at)s)",
        "%(at)s",
        "tests/contract/test_api_keys_contract.py::test_a_revoked_key_is_found_with_the_first_time_it_was_revoked",
    ),
)
