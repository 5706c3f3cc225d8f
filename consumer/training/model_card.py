"""The model card: what the model is, what it learned from, how good it is and what it is not for, as Markdown and as one HTML file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumer.training.bundle_writer import Made
from consumer.training.choice import Choice
from consumer.training.errors import need
from consumer.training.evaluation import Report
from consumer.training.quality import Contender, figures, show

CARD_FILE, PAGE_FILE = "model-card.md", "model-card.html"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:left}img{max-width:100%}"
)


@dataclass(frozen=True)
class Card:
    """Everything that the card tells."""

    made: Made
    choice: Choice
    report: Report


def card_files(card: Card, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the card's files by name: Markdown, the pictures beside it, and the page that holds all of it."""
    markdown = write_card(card, pictures)
    return {CARD_FILE: markdown.encode(), **pictures, PAGE_FILE: render_page(markdown, pictures).encode()}


def write_card(card: Card, pictures: Iterable[str]) -> str:
    """Return the card as Markdown; the pictures lie beside it."""
    parts = (_beginning(card), _learning(card), _quality(card.report), _show(pictures), _limits(card))
    return "\n".join(line for part in parts for line in part) + "\n"


def render_page(markdown: str, pictures: Mapping[str, bytes]) -> str:
    """Return the Markdown as one HTML file that needs no other, the pictures inside it."""
    body = need("markdown_it").MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)

    def inline(found: re.Match[str]) -> str:
        return f'src="data:image/png;base64,{base64.b64encode(pictures[found[1]]).decode()}"'

    body = re.sub(r'src="([\w.-]+\.png)"', inline, body)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Model card</title><style>{_STYLE}</style>\n{body}</html>\n'


def _beginning(card: Card) -> Iterator[str]:
    yield f"# Model card: {card.made.version}"
    yield ""
    yield (
        f"P(fraud) of one card transaction from {len(card.made.feature_set.names)} features, for alerts to people who look at them. "
        f"It was made from: {card.made.training.data}."
    )
    yield ""
    yield from (f"> {warning}" for warning in card.report.warnings)


def _learning(card: Card) -> Iterator[str]:
    training, choice, method = card.made.training, card.choice, card.made.calibration.method
    yield "\n## What it learned from\n"
    yield f"{training.events:,} events with {training.frauds:,} known frauds. Split by time, never at random (UTC):\n"
    if training.periods is not None:
        facts = training.periods.model_dump().items()
        yield from _table(("period", "time"), [(name.replace("_", " "), value) for name, value in facts])
    yield (
        "\nBetween what is learned and what is judged lies the label delay. A fraud that nobody had reported by `labels until` counts "
        "as genuine there, as it would have in production. The test weeks served no choice.\n"
    )
    yield "## How it was chosen\n"
    yield (
        f"By mean average precision over {len(choice.held)} validation folds, each later than what it was fitted to, with early "
        f"stopping on the fold. Classes are not resampled; whether frauds weigh more was one of the choices. "
        f"Chosen: {choice.settings}, {choice.settings.iterations} trees. Calibration: {method}. Seed {training.seed}.\n"
    )
    trials = [(str(t.settings), f"{t.mean:.4f}", f"{t.deviation:.4f}", _join(t.trees)) for t in choice.trials]
    yield from _table(("settings", "average precision", "deviation over folds", "trees"), trials)


def _quality(report: Report) -> Iterator[str]:
    yield "\n## How good it is\n"
    yield (
        f"{report.events:,} events with {report.frauds:,} frauds in {len(report.model.weeks)} test weeks; "
        "± is the deviation over the weeks.\n"
    )
    header = ("ranking", "ROC AUC", "average precision", "card precision at 100")
    yield from _table(header, [_row(contender) for contender in report.contenders])
    shares = [show(report.share_of_perfect(name), ".1%") for name in ("average_precision", "card_precision")]
    yield f"\nOf the perfect ranking's average precision it reaches {shares[0]}, of its card precision {shares[1]}.\n"
    p = report.probabilities
    yield (
        f"Calibration error {p.calibration_error:.5f} (mean score {p.mean_predicted:.5f}, observed {p.observed:.5f}). At the policy's "
        f"threshold {p.alert_share:.3%} of the events alert: precision {show(p.alert_precision, '.3f')}, recall {p.alert_recall:.3f}.\n"
    )
    if report.patterns:
        yield "By kind of fraud, against all genuine events:\n"
        rows = [
            (q.name, f"{q.frauds:,}", f"{q.roc_auc:.4f}", f"{q.average_precision:.4f}", f"{q.alert_recall:.3f}")
            for q in report.patterns
        ]
        yield from _table(("pattern", "frauds", "ROC AUC", "average precision", "share that alerts"), rows)


def _row(contender: Contender) -> tuple[str, ...]:
    return (contender.name, *(_figure(contender, name) for name in figures()))


def _figure(contender: Contender, name: str) -> str:
    return f"{show(getattr(contender.ranking, name), '.4f')} ± {show(contender.spread(name).deviation, '.4f')}"


def _show(pictures: Iterable[str]) -> Iterator[str]:
    yield ""
    yield from (f"![{name.removesuffix('.png').replace('-', ' ')}]({name})" for name in pictures)


def _limits(card: Card) -> Iterator[str]:
    yield "\n## What it is not\n"
    yield f"* Reasons: {card.made.reason_method}. They say what moved this score, not what caused the fraud."
    yield "* It knows what its training data knew: new kinds of fraud score low until they are labelled and it is trained again."
    yield "* Figures of simulated data show that the machinery works, not how much fraud it finds elsewhere."
    yield "* It must not decide alone about a person: an alert is for somebody to look at."
    yield "\n## What made it\n"
    yield from _table(("library", "version"), sorted(card.made.training.libraries.items()))


def _join(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
