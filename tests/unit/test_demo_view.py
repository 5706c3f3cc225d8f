"""The demo's live view, drawn from given figures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from consumer.operations.demo_log import RecentMetrics
from consumer.operations.demo_look import Alert, Hop, Look, Shard, alert_of, hops_of
from consumer.operations.demo_screen import LiveScreen, PlainScreen, is_able, screen_for
from consumer.operations.demo_view import Moment, Space, bars_of, draw, rate_of, rates_of
from consumer.telemetry.emf_reader import Series
from sinks.ledger.reader import LedgerCounts, LedgerHops, Percentiles

NOW = datetime(2026, 11, 21, 13, 40, 20, tzinfo=UTC)
HOPS = (
    Hop("put → received", Percentiles(101.4, 204.0)),
    Hop("scored → committed", Percentiles(5.25, 21.0), "a batch"),
    Hop("committed → told", None, "alerts"),
)
ALERT = Alert(
    NOW,
    "critical",
    "Critical fraud risk 1.00: 143.29 GBP in CH by user user-003624",
    "t-1",
    ("The amount is 9.1 times this customer's usual one.", "The device is new."),
)
LOOK = Look(
    at=NOW, published=11_500, counts=LedgerCounts(11_402, 23, 31, 30), alerts_received=29, hops=HOPS,
    shards=(Shard("shardId-000000000000", 5_700, 0), Shard("shardId-000000000001", 5_725, 140)), daemon="runs",
)  # fmt: skip


def moments(*published: int) -> list[Moment]:
    return [Moment(NOW + timedelta(seconds=n), number, number, 0, 0) for n, number in enumerate(published)]


def drawn(look: Look = LOOK, width: int = 80, height: int = 24, alerts: tuple[Alert, ...] = (ALERT,)) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(draw("fraudstream demo: publishing", look, moments(0, 500, 1_000), alerts, Space(width, height - 1)))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_view_tells_rates_lag_hops_shards_and_alerts_with_their_reasons() -> None:
    text = " ".join("\n".join(drawn()).split())
    for words in (
        "fraudstream demo: publishing",
        "published 11,500 500/s",
        "decided 11,402 500/s",
        "dead letters 23 0/s refused, each with its reasons",
        "alerts 31 0/s 30 told, 29 received",
        "lag 140 ms 2 shards/workers; Java runs",
        "put → received 101 204",
        "scored → committed 5.2 21 a batch",
        "committed → told - - alerts",
        "shardId-000000000001 5,725 records 140 ms behind",
        "13:40:20 Critical fraud risk 1.00: 143.29 GBP in CH by user user-003624 [t-1]",
        "· The amount is 9.1 times this customer's usual one.",
        "· The device is new.",
    ):
        assert words in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [13, 16, 24, 60])
def test_the_view_never_leaves_the_terminal(width: int, height: int) -> None:
    many = replace(LOOK, shards=tuple(Shard(f"shardId-{n:012}", n, n) for n in range(32)))
    for look in (LOOK, many, replace(LOOK, shards=())):
        lines = drawn(look, width, height, (ALERT,) * 30)
        assert len(lines) < height
        assert max(map(len, lines)) <= width


def test_many_shards_are_told_in_few_lines() -> None:
    text = "\n".join(drawn(replace(LOOK, shards=tuple(Shard(f"shardId-{n:012}", n, n) for n in range(32)))))
    assert "… and 28 more shards" in text
    assert "lag               31 ms" in text


def test_only_whole_alerts_are_shown_the_newest_first() -> None:
    newer = ALERT._replace(summary="Newer", transaction_id="t-2")
    text = "\n".join(drawn(alerts=(newer, *[ALERT] * 10)))
    assert text.index("Newer") < text.index("Critical")
    assert text.count("· The amount") == text.count("· The device")


def test_before_anything_happened_the_view_says_so_without_figures() -> None:
    empty = Look(
        at=NOW,
        published=0,
        counts=LedgerCounts(0, 0, 0, 0),
        alerts_received=0,
        hops=hops_of(LedgerHops(None, None, None), {}),
    )
    text = " ".join("\n".join(drawn(empty, alerts=())).split())
    assert "0 shards/workers; Java starts" in text
    assert "received → scored - -" in text
    assert "alerts as they fire" not in text


def test_what_producers_send_cannot_move_the_cursor() -> None:
    lines = drawn(alerts=(ALERT._replace(summary="\x1b[2J\x1b[31mgone\nline", transaction_id="\x07"),))
    assert "\x1b" not in "".join(lines)
    assert "\x07" not in "".join(lines)


def test_markup_of_producers_is_text() -> None:
    assert "[red]x[/red]" in "\n".join(drawn(alerts=(ALERT._replace(summary="[red]x[/red]"),)))


def test_a_daemon_that_was_started_again_is_told() -> None:
    assert "32 shards/workers; Java is down, 2 restarts" in "\n".join(
        drawn(replace(LOOK, shards=LOOK.shards * 16, daemon="is down", restarts=2))
    )


def test_rates_are_by_the_clock_and_over_the_last_looks() -> None:
    past = moments(0, 100, 300, 600, 1_000)
    assert rate_of(past, "published") == 300
    assert rates_of(past, "published") == [100, 200, 300, 400]
    assert rate_of(past[:1], "published") == 0
    assert rate_of([past[0], past[0]], "published") == 0


def test_bars_show_the_last_values_by_the_greatest() -> None:
    assert bars_of([1, 2, 4, 8], 3) == "▃▅█"
    assert bars_of([0, 0], 5) == "▁▁"
    assert bars_of([1, 2], 0) == ""
    assert bars_of([-5, 8], 2) == "▁█"


def test_hops_come_from_rows_and_from_the_metrics_of_commits() -> None:
    metrics = {("LedgerCommitLatency", None): Series([1, 2, 3]), ("DecisionLatency", None): Series([100])}
    hops = hops_of(LedgerHops(Percentiles(1, 2), None, Percentiles(3, 4)), metrics)  # type: ignore[arg-type]
    assert [hop.taken for hop in hops] == [(1, 2), None, (2, 3), (100, 100), (3, 4)]


def test_an_alerts_document_gives_its_sentences() -> None:
    message = {"severity": "high", "summary": "s", "transaction_id": "t", "reasons": [{"text": "a"}, {"text": "b"}]}
    assert alert_of(message, NOW) == Alert(NOW, "high", "s", "t", ("a", "b"))


def test_metrics_are_read_on_and_half_a_line_waits(tmp_path: Path) -> None:
    log, line = tmp_path / "log", '{"_aws": {}, "LedgerCommitLatency": [%d]}\n'
    recent = RecentMetrics(log, looks=2)
    assert recent.look() == {}
    log.write_text(line % 1 + "no metric\n" + (line % 2)[:10])
    assert recent.look()["LedgerCommitLatency", None].values == [1]
    with log.open("a") as file:
        file.write((line % 2)[10:])
    assert recent.look()["LedgerCommitLatency", None].values == [1, 2]
    assert recent.look()["LedgerCommitLatency", None].values == [2], "the oldest look is forgotten"
    assert recent.look() == {}


class Scripted:
    """A system that is at rest."""

    def header(self) -> str:
        return "HEAD"

    def lines(self) -> Iterator[str]:
        yield "a line"

    def look(self) -> Look:
        return replace(LOOK, alerts=(ALERT,))


def a_console(
    *, is_terminal: bool = True, width: int = 80, height: int = 24, encoding: str = "utf-8", term: str = "xterm"
) -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Console(
        file=file, force_terminal=is_terminal, width=width, height=height, _environ={"TERM": term, "NO_COLOR": ""}
    )


def written(console: Console) -> str:
    raw = console.file.buffer.getvalue()  # type: ignore[attr-defined]
    return str(raw.decode())


@pytest.mark.parametrize(
    "console",
    [
        a_console(is_terminal=False),
        a_console(width=39),
        a_console(height=12),
        a_console(encoding="ascii"),
        a_console(term="dumb"),
    ],
    ids=["no terminal", "narrow", "low", "ASCII", "dumb"],
)
def test_lines_are_printed_where_the_view_cannot_be_drawn(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_able(console)
    with screen_for(Scripted(), console, is_plain=False) as screen:
        screen.show("publishing")
    assert capsys.readouterr().out == "HEAD\na line\n"


def test_lines_are_printed_where_somebody_wants_them() -> None:
    assert isinstance(screen_for(Scripted(), a_console(), is_plain=True), PlainScreen)


def test_the_view_is_drawn_in_place_and_the_cursor_comes_back_even_after_ctrl_c() -> None:
    console = a_console()

    def interrupted() -> None:
        with screen_for(Scripted(), console, is_plain=False) as screen:
            assert isinstance(screen, LiveScreen)
            screen.show("publishing")
            screen.show("publishing on")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    text = written(console)
    assert "publishing on" in text
    assert "\x1b[2J" not in text, "the screen is never cleared"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
    assert "\x1b[38" not in text
    assert "\x1b[31m" not in text, "NO_COLOR is kept"
