"""Who is compared: the programs in tests/bench/peers, how much work each gets, and what they are called in the table."""

from __future__ import annotations

from typing import NamedTuple


class Contestant(NamedTuple):
    """A program and how it is measured. `share`: it gets the first so many of the measured events, so that slow ones end in time."""

    label: str
    program: str
    arguments: tuple[str, ...] = ()
    share: float = 1.0
    has_other_sizes: bool = False
    is_ours: bool = False
    is_function: bool = False


OURS, SHIPPED = "ours, the peers' model", "ours, shipped model"
PLAIN, PLAIN_BATCH = "(a) KCL sample, commit a record", "(a) KCL sample, commit a batch"
SKLEARN, FOREST = "(b) scikit-learn, logistic", "(b) scikit-learn, forest"
FUNCTION = "(c) Lambda, Powertools"
BATCH, ARRAYS, VALIDATED = "(d) batches, executemany", "(d) batches, unnest", "(d) batches, validated"
CONTESTANTS = (
    Contestant(PLAIN, "kcl_plain.py", ("record",), 0.25),
    Contestant(PLAIN_BATCH, "kcl_plain.py", ("batch",), 0.25),
    Contestant(SKLEARN, "kcl_sklearn.py", ("logistic",), 0.1),
    Contestant(FOREST, "kcl_sklearn.py", ("forest",), 0.025),
    Contestant(FUNCTION, "lambda_powertools.py", (), 0.25, is_function=True),
    Contestant(BATCH, "kcl_batch.py", ("executemany",), has_other_sizes=True),
    Contestant(ARRAYS, "kcl_batch.py", ("unnest",), has_other_sizes=True),
    Contestant(VALIDATED, "kcl_validated.py", (), has_other_sizes=True),
    Contestant(OURS, "ours.py", ("event",), has_other_sizes=True, is_ours=True),
    Contestant(SHIPPED, "ours.py", ("velocity",), has_other_sizes=True, is_ours=True),
)


def label(name: str, size: int) -> str:
    """Return the label of a row: a contestant at a size of batches."""
    return f"{name}, batch {size}"
