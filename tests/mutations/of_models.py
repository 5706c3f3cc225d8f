"""Rules of the model store, of what is refused, and of the policy's segments and lists."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_STORE = "tests/contract/test_model_store_contract.py"
_POINTERS = "tests/contract/test_model_pointers_contract.py"
_SERVING = "tests/unit/test_model_serving.py"
_CORRUPT = "tests/unit/test_bundle_corrupt.py"
_LISTS = "tests/unit/test_policy_lists.py"
_SEGMENTS = "tests/unit/test_policy_segments.py"

MODELS = (
    Mutation(
        "The manifest is written last, so that a cut-off upload is no bundle.",
        "the manifest is written first",
        "consumer/models/store.py",
        '        self._check_version("bundles", listing.model_version, digest)\n',
        "        self._create(bundle_key(digest, MANIFEST_FILE), manifest)\n",
        f"{_STORE}::test_an_upload_that_is_cut_off_anywhere_leaves_no_bundle_and_can_be_repeated",
    ),
    Mutation(
        "What stands at a digest's key is looked at, never believed.",
        "an object that is there already counts as the right one",
        "consumer/models/store.py",
        "            self._read_whole(key, sha256(content).hexdigest())\n",
        "            pass\n",
        f"{_STORE}::test_an_object_with_a_flipped_bit_is_named_and_nothing_stands_in_its_place",
    ),
    Mutation(
        "Fetch verifies every digest.",
        "what S3 sends is believed",
        "consumer/models/store.py",
        "        if sha256(stored.body).hexdigest() != expected:\n",
        "        if False:\n",
        f"{_STORE}::test_an_object_with_a_flipped_bit_is_named_and_nothing_stands_in_its_place",
    ),
    Mutation(
        "A version stands for one content for good.",
        "a version may be taken again",
        "consumer/models/store.py",
        "        if standing not in {None, digest}:\n",
        "        if False:\n",
        f"{_STORE}::test_a_version_stands_for_one_content_for_good",
    ),
    Mutation(
        "A pointer is moved only over what was seen (If-Match).",
        "a pointer is moved over whatever stands there",
        "consumer/models/s3.py",
        'condition: Any = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}\n',
        "condition: Any = {}\n",
        f"{_POINTERS}::test_a_lost_race_says_who_won_it_and_changes_nothing",
    ),
    Mutation(
        "A 412 proves nothing: a repeated request may have found its own object.",
        "a 412 is always a lost race",
        "consumer/models/pointers.py",
        "        if standing == moved:",
        "        if False:",
        f"{_POINTERS}::test_a_move_that_was_repeated_underneath_finds_itself",
    ),
    Mutation(
        "What is refused stops the start where the setting says so.",
        "what is refused is passed over whatever is set",
        "consumer/models/serving.py",
        '        if serving.when_refused == "stop":\n',
        "        if False:\n",
        f"{_SERVING}::test_a_damaged_object_is_refused",
    ),
    Mutation(
        "A separate policy overrides the bundle's without a new model.",
        "the override is left aside",
        "consumer/models/serving.py",
        "    return bundle if policy is None else replace(bundle, policy=policy)\n",
        "    return bundle\n",
        f"{_SERVING}::test_a_policy_overrides_the_bundles_without_a_new_model_until_it_is_cleared",
    ),
    Mutation(
        "A flipped bit in the manifest is refused.",
        "the manifest's seal is not looked at",
        "consumer/scoring/bundle.py",
        "    if seal_of(content, manifest.seal) != manifest.seal:\n",
        "    if False:\n",
        f"{_CORRUPT}::test_a_changed_figure_in_the_manifest_is_told_by_its_seal",
    ),
    Mutation(
        "Every file that the manifest lists is verified, the model card too.",
        "only model and policy are verified",
        "consumer/scoring/bundle.py",
        "(MODEL_FILE, POLICY_FILE, *manifest.files)",
        "(MODEL_FILE, POLICY_FILE)",
        f"{_CORRUPT}::test_a_flipped_bit_in_any_listed_file_is_refused",
    ),
)

POLICIES = (
    Mutation(
        "Block goes before allow.",
        "who is allowed is not blocked",
        "consumer/scoring/policy.py",
        "        if self._block is not None and self._block.names(facts):\n",
        "        if self._block is not None and self._block.names(facts) and not (self._allow and self._allow.names(facts)):\n",
        f"{_LISTS}::test_who_is_on_both_lists_is_blocked",
    ),
    Mutation(
        "Expiry of list entries is measured in event time.",
        "entries never end",
        "consumer/scoring/lists.py",
        "            if end is not None and facts.event_time < end:\n",
        "            if end is not None:\n",
        f"{_LISTS}::test_an_entry_ends_in_event_time",
    ),
    Mutation(
        "What is blocked alerts, whatever its score.",
        "what is blocked is critical and alerts nobody",
        "consumer/scoring/policy.py",
        'risk_level="critical", alerts=True,',
        'risk_level="critical",',
        f"{_LISTS}::test_what_is_blocked_is_critical_and_alerts_whatever_its_score",
    ),
    Mutation(
        "An alert of the block list has a rule of its own, and so its own id.",
        "every alert is the score's",
        "consumer/scoring/compose.py",
        '    return "block_list" if is_blocked else "score"\n',
        '    return "score"\n',
        f"{_LISTS}::test_an_alert_of_the_block_list_has_a_rule_and_an_id_of_its_own",
    ),
    Mutation(
        "The first segment that matches wins.",
        "the last segment wins",
        "consumer/scoring/segments.py",
        "self._terms[(left & -left).bit_length() - 1]",
        "self._terms[left.bit_length() - 1]",
        f"{_SEGMENTS}::test_the_first_segment_that_matches_wins",
    ),
    Mutation(
        "amount_from is included, amount_below is not.",
        "an amount at an edge belongs to the range below",
        "consumer/scoring/segments.py",
        "bisect_right(self._edges, facts.amount)",
        "bisect_right(self._edges, facts.amount) - (facts.amount in self._edges)",
        f"{_SEGMENTS}::test_amounts_begin_at_from_and_end_before_below",
    ),
)
