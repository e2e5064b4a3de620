"""What was promised, what was measured, and whether it was kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Promise:
    """A bound on `ratio` (ours over the reference's) or on `ours` itself; none at all for a row that only informs."""

    words: str
    least: float | None = None
    most: float | None = None
    of: Literal["ratio", "ours"] = "ratio"

    def kept(self, ours: float | None, ratio: float | None) -> bool | None:
        """Whether the bound holds; None where there is none, or nothing was measured to hold against it."""
        value = ratio if self.of == "ratio" else ours
        if value is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Row:
    """One line of the table. `failed` is for what no figure tells: an order that was broken, events that were lost."""

    name: str
    promise: Promise
    unit: str
    ours: float | None = None
    reference: float | None = None
    conditions: str = ""
    note: str = ""
    failed: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over the reference's; None without both."""
        if self.ours is None or not self.reference:
            return None
        return self.ours / self.reference

    @property
    def met(self) -> bool | None:
        """Whether the promise was kept; None where there is nothing to hold against it."""
        return False if self.failed else self.promise.kept(self.ours, self.ratio)

    def to_json(self) -> dict[str, Any]:
        """The row as `results.json` has it."""
        return {
            "name": self.name,
            "ours": rounded(self.ours),
            "reference": rounded(self.reference),
            "unit": self.unit,
            "ratio": rounded(self.ratio),
            "promise": self.promise.words,
            "met": self.met,
            "conditions": self.conditions,
            "note": self.note,
        }


@dataclass(frozen=True)
class Spread:
    """Figures of one kind, in the order in which they were taken."""

    figures: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.figures)

    def __str__(self) -> str:
        return ", ".join(f"{figure:,.4g}" if figure < 1000 else f"{figure:,.0f}" for figure in self.figures)


def quantile(ordered: Sequence[float], part: float) -> float:
    """The smallest figure that at least `part` of them do not exceed (nearest rank). `ordered` is not empty."""
    rank = max(1, -(-len(ordered) * part // 1))
    return ordered[min(len(ordered), int(rank)) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The exponent with which y grows over x, by least squares on their logarithms: 1 is linear, 0 flat."""
    from math import log

    xs, ys = [log(x) for x, _ in points], [log(y) for _, y in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)


def rounded(value: float | None) -> float | None:
    """To three significant places below a thousand, to whole numbers above: more would pretend."""
    if value is None:
        return None
    return float(round(value)) if abs(value) >= 1000 else float(f"{value:.3g}")


def verdict(met: bool | None) -> str:
    """In a word, for the table."""
    return {True: "met", False: "MISSED", None: "–"}[met]


def shown(value: float | None, unit: str = "") -> str:
    """A figure as the table shows it."""
    if value is None:
        return NOT_MEASURED if unit else "–"
    figure = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{figure} {unit}".strip()


def missed(rows: Sequence[Row]) -> list[str]:
    """A sentence for each promise that was not kept."""
    return [f"{row.name}: {_got(row)}; promised: {row.promise.words}" for row in rows if row.met is False]


def warning(load: float, cores: int) -> str:
    """What must be said of figures taken while the machine was busy with other work; empty when it was not.

    `load` is the average of the last minutes before anything was measured: runnable processes that are none of ours.
    """
    if load <= cores / 4:
        return ""
    return (
        f"{load:.1f} other processes wanted the {cores} cores when this began: absolute figures are of a busy machine,"
        " and a ratio is worse the more often its side has to be woken in one request. Take them again on a quiet one."
    )


def _got(row: Row) -> str:
    if row.promise.of == "ratio" and row.ratio is not None:
        return f"ratio {shown(row.ratio)} ({shown(row.ours, row.unit)} against {shown(row.reference, row.unit)})"
    return shown(row.ours, row.unit)
