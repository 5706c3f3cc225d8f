"""`fraudstream replay-decision`: proves that a stored decision follows from what was stored, and asks today's model too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from consumer.models.errors import NotInStore
from consumer.models.serving import fetch_bundle
from consumer.models.store import BundleStore
from consumer.operations.terminal import printable
from consumer.scoring.bundle import DEFAULT_BUNDLE, MODEL_FILE, Bundle, load_bundle
from consumer.scoring.features import FEATURE_SETS
from consumer.scoring.rescoring import Rescored, rescore, transaction_of, vector_of
from consumer.scoring.runtime import current_runtime
from consumer.scoring.scorer import Scored, Scorer
from consumer.settings import Settings
from consumer.wiring import model_objects, scorer_of
from schemas.decision import Decision
from schemas.timestamps import format_timestamp
from sinks.ledger.reader import LedgerReader


def run_replay_decision(settings: Settings, transaction_id: str, folder: Path | None, *, as_json: bool) -> bool | None:
    """Print what each decision of this id is worth when it is made again; return whether all are reproduced.

    None where there is no decision. Raises NotInStore where what decided is not at hand (`folder` names a bundle), and what loading
    raises.
    """
    with closing(LedgerReader(settings.dsn(), application_name="fraudstream-replay-decision")) as reader:
        decisions = reader.find(transaction_id)
    if not decisions:
        return None
    today = scorer_of(settings)
    reproduced = True
    for decision in decisions:
        bundle = _find_bundle(settings, decision, folder)
        again = rescore(decision, bundle)
        now = _ask_today(today, decision)
        lines = (
            [_as_json(decision, bundle, again, today, now)] if as_json else _lines(decision, bundle, again, today, now)
        )
        print("\n".join(printable(line) for line in lines))
        reproduced &= not again.differences
    return reproduced


def _find_bundle(settings: Settings, decision: Decision, folder: Path | None) -> Bundle:
    """Return the model and the policy that decided, from the folder given, the folder in use, the store, or the shipped one."""
    objects = model_objects(settings)
    store = BundleStore(objects) if objects is not None else None
    bundle = next(
        (b for b in _bundles(settings, decision, folder, store) if b.manifest.model_version == decision.model_version),
        None,
    )
    if bundle is None:
        cause = f"model {decision.model_version}, which decided, is neither the shipped one nor in the store"
        raise NotInStore(cause, "Name its folder with --bundle, or set FRAUDSTREAM_MODEL_BUCKET.")
    if bundle.policy.version == decision.policy_version:
        return bundle
    digest = store.find_policy(decision.policy_version) if store is not None else None
    if store is None or digest is None:
        raise NotInStore(
            f"policy {decision.policy_version}, which decided, is not in the store", "Push it again, unchanged."
        )
    return replace(bundle, policy=store.policy(digest))


def _bundles(
    settings: Settings, decision: Decision, folder: Path | None, store: BundleStore | None
) -> Iterator[Bundle]:
    if folder is not None:
        yield load_bundle(folder)
        return
    if store is not None and (digest := store.find_bundle(decision.model_version)) is not None:
        yield fetch_bundle(store, digest, settings.state_dir / "models")
    if settings.model_bundle is not None:
        yield load_bundle(settings.model_bundle)
    yield load_bundle(DEFAULT_BUNDLE)


def _ask_today(today: Scorer, decision: Decision) -> Scored | None:
    """Return what today's model says: of the same vector, or of a new one if that needs no past; None where neither will do."""
    transaction = transaction_of(decision)
    if today.feature_set == decision.feature_set:
        return today.score_vectors(vector_of(decision), [transaction])[0]
    return None if FEATURE_SETS[today.feature_set].needs_memory else today.score([transaction])[0]


def _lines(decision: Decision, bundle: Bundle, again: Rescored, today: Scorer, now: Scored | None) -> Iterator[str]:
    is_alike = current_runtime().promises_equal_bits(bundle.manifest.runtime)
    runtime = (
        "the runtime of the model's maker" if is_alike else "another runtime than the model's maker: 1e-6 is allowed"
    )
    digest = bundle.manifest.files[MODEL_FILE]
    yield f"transaction  {decision.transaction_id} of user {decision.user_id}, {format_timestamp(decision.event_time)}"
    yield f"decided by   model {decision.model_version} (SHA-256 {digest}), policy {decision.policy_version}"
    yield f"vector       {len(decision.features) // 4} features of {decision.feature_set}, as stored"
    yield f"scored here  on {runtime}"
    yield f"stored       score {decision.score:.9g}, {decision.risk_level} risk, class {decision.classification}"
    yield f"again        score {again.scored.score:.9g}, {again.scored.risk_level} risk, class {again.scored.classification}"
    for difference in again.differences:
        yield f"DIFFERS      {difference.what}: stored {difference.stored}, now {difference.now}"
    if not again.differences:
        yield f"reproduced   {'bit for bit' if again.score_is_bit_equal else 'within 1e-6'}, and everything that follows from it"
    if now is None:
        yield f"today        model {today.model_version} has other features of the past ({today.feature_set}): it cannot be asked"
    else:
        yield f"today        model {today.model_version}: score {now.score:.9g}, {now.risk_level} risk, class {now.classification}"


def _as_json(decision: Decision, bundle: Bundle, again: Rescored, today: Scorer, now: Scored | None) -> str:
    document = {
        "transaction_id": decision.transaction_id,
        "event_time": format_timestamp(decision.event_time),
        "model_version": decision.model_version,
        "model_sha256": bundle.manifest.files[MODEL_FILE],
        "policy_version": decision.policy_version,
        "is_reproduced": not again.differences,
        "score_is_bit_equal": again.score_is_bit_equal,
        "stored_score": decision.score,
        "score": again.scored.score,
        "differences": [difference._asdict() for difference in again.differences],
        "today": {"model_version": today.model_version, "score": now.score if now else None},
    }
    return json.dumps(document)
