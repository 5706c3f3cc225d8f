"""What a part measured: rows of samples with names, units and settings. Pure values; `report` and `chart` show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, TypeAlias


class Sample(NamedTuple):
    """One quantity, measured once per round; never empty."""

    values: tuple[float, ...]

    @property
    def low(self) -> float:
        """The smallest value: of times, the one that other programs disturbed least."""
        return min(self.values)

    @property
    def middle(self) -> float:
        """The median; of an even number of values, the mean of the middle two."""
        return median(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)


Cell: TypeAlias = Sample | float | int | str


class Column(NamedTuple):
    """A column of the table: its name is the key of `Row.cells`; the unit may be empty."""

    name: str
    unit: str
    digits: int = 1
    is_drawn: bool = True
    """Whether the chart has a panel for it; texts never have one."""


class Row(NamedTuple):
    """A line of the table: one contestant, batch size or stage. A column that it does not have was not measured."""

    label: str
    cells: Mapping[str, Cell]


class Target(NamedTuple):
    """What a figure was meant to be and what it was here; stated in the report, never asserted."""

    measure: str
    wanted: str
    reached: str
    is_met: bool


class Panel(NamedTuple):
    """The part's place in the summary chart: few bars, shortest words."""

    title: str
    unit: str
    bars: tuple[tuple[str, Sample | float], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one part: the order of columns and rows is the order in which they are shown.

    Raises:
        ValueError: A row holds a cell for which there is no column, a sample is empty, or two rows have the same label.

    """

    part: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    settings: Mapping[str, str | int | float]
    notes: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    panel: Panel | None = None

    def __post_init__(self) -> None:
        names = {column.name for column in self.columns}
        for row in self.rows:
            if unknown := set(row.cells) - names:
                raise ValueError(f"row {row.label!r} of {self.part} has cells without a column: {sorted(unknown)}")
            if empty := [name for name, cell in row.cells.items() if isinstance(cell, Sample) and not cell.values]:
                raise ValueError(f"row {row.label!r} of {self.part} has samples without a value: {sorted(empty)}")
        if len({row.label for row in self.rows}) < len(self.rows):
            raise ValueError(f"two rows of {self.part} have the same label")
