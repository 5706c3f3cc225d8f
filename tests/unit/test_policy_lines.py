"""Lines of faults in a policy, whatever TOML it is written in."""

from __future__ import annotations

import pytest

from consumer.scoring.policy import PolicyError, parse_policy
from consumer.scoring.toml_lines import TomlText

HEAD = """\
version = "t/1"
classify_above = 0.5
alert_from = "high"
bands = { medium_from = 0.3, high_above = 0.5, critical_from = 0.85 }
"""

TRICKY = '''\
# [a] in a comment
a = """
[table] in a text
b = 1 """"
c = \'\'\'it's
# no comment
\'\'\'
list = [  # ] no end
  "x]", 'y"',

  { z = 1 },
]
[table]
"quoted.key" = 1
dotted.key = 2
[[many]]
name = "one"

[[many]]
[many.inner]
deep = 3
last = "no newline"'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2), (("c",), 5), (("list",), 8), (("list", 2, "z"), 8), (("table",), 13), (("table", "quoted.key"), 14),
        (("table", "dotted", "key"), 15), (("many", 0), 16), (("many", 0, "name"), 17), (("many", 1), 19),
        (("many", 1, "inner"), 20), (("many", 1, "inner", "deep"), 21), (("many", 1, "inner", "last"), 22),
        (("many", 1, "inner", "missing"), 20), (("many", 0, "missing", 4), 16), (("list", 9), 8), (("a", "b"), 2),
        (("missing",), None), ((), None),
    ],
)  # fmt: skip
def test_a_path_is_found_where_its_statement_begins(path: tuple[str | int, ...], line: int | None) -> None:
    assert TomlText(TRICKY).line_of(path) == line
    assert TomlText(TRICKY.replace("\n", "\r\n")).line_of(path) == line


def fault(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        parse_policy(HEAD + text)
    return str(refused.value)


ENTRY = '[[block]]\nuser_id = "u-1"\nreason = "stolen"\nexpires = 2027-01-01T00:00:00Z\n'
SEGMENT = '[[segments]]\nname = "s"\nmatch = { currency = "EUR" }\nalert_from = "low"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ENTRY.replace("T00:00:00Z", ""), "line 8: block.0.expires: must be a moment with its offset"),
        (ENTRY.replace("00Z", "00"), "line 8: block.0.expires: must be a moment with its offset"),
        (ENTRY.replace('"stolen"', '""'), "line 7: block.0.reason: "),
        (ENTRY + ENTRY.replace('"u-1"', "7"), "line 10: block.1.user_id: must be a text in quotes, or an array of texts"),
        (ENTRY.replace('"u-1"', '[\n"a",\n""]'), "line 6: block.0.user_id.1: "),
        (ENTRY.replace('"u-1"', "[]"), "line 6: block.0.user_id: "),
        (ENTRY.replace("user_id", "colour"), "line 6: block.0.colour: "),
        (ENTRY + 'card_id = "c"\n', "line 5: block.0: must name exactly one of user_id, card_id"),
        (ENTRY.replace('user_id = "u-1"\n', ""), "line 5: block.0: must name exactly one of"),
        (ENTRY.replace("block", "allow").replace("reason", "why"), "line 5: allow.0.reason: Field required"),
        (ENTRY.replace('user_id = "u-1"', 'card_id = "4111 1111 1111 1111"'), "line 6: block.0.card_id.0: looks like a card"),
        (SEGMENT.replace('"EUR"', "978"), "line 7: segments.0.match.currency: must be a text in quotes"),
        (SEGMENT.replace('currency = "EUR"', ""), "line 7: segments.0.match: must hold a condition"),
        (SEGMENT.replace("currency", "user_id"), "line 7: segments.0.match.user_id: "),
        (SEGMENT.replace('alert_from = "low"', ""), "line 5: segments.0: must override classify_above, alert_from or bands"),
        (SEGMENT.replace('"low"', '"never"'), "line 8: segments.0.alert_from: "),
        (SEGMENT.replace('currency = "EUR"', "amount_from = 1.005"), "line 7: segments.0.match.amount_from: must have at most two"),
        (SEGMENT.replace('currency = "EUR"', "amount_from = nan"), "line 7: segments.0.match.amount_from: must be between 0"),
        (SEGMENT.replace('currency = "EUR"', "amount_from = true"), "line 7: segments.0.match.amount_from: must be a number"),
        (
            SEGMENT.replace('currency = "EUR"', "amount_from = 2, amount_below = 2"),
            "line 7: segments.0.match: amount_from must be less than amount_below",
        ),
        (SEGMENT + "[segments.bands]\nmedium_from = 2\n", "line 10: segments.0.bands.medium_from: "),
        (SEGMENT * 2, 'policy: two segments have the name "s"'),
        ("[[block]]\n" * 6, "line 5: block.0.reason: Field required; "),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_key(text: str, told: str) -> None:
    assert fault(text).startswith(told)


def test_of_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    assert fault("[[block]]\n" * 6).endswith("line 7: block.2.reason: Field required; and 7 more")
