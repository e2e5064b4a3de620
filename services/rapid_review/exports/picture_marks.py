"""The marks of the timeline picture: a shape and a colour for each family of kinds, told apart without colour too."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.review_codes import EntryKind

Shape = Callable[[float, float, float], str]
"""A path around (x, y) with half a width."""


@dataclass(frozen=True)
class Family:
    """Kinds that a reader takes in together; in the legend by `name`."""

    name: str
    kinds: frozenset[EntryKind]
    colour: str
    shape: Shape


def _circle(x: float, y: float, r: float) -> str:
    return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0z"


def _square(x: float, y: float, r: float) -> str:
    return rectangle(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r)


def _diamond(x: float, y: float, r: float) -> str:
    r *= 1.2
    return f"M{x:.1f} {y - r:.1f}l{r:.1f} {r:.1f}l{-r:.1f} {r:.1f}l{-r:.1f} {-r:.1f}z"


def _up(x: float, y: float, r: float) -> str:
    return f"M{x:.1f} {y - 1.1 * r:.1f}l{1.15 * r:.1f} {2 * r:.1f}h{-2.3 * r:.1f}z"


def _down(x: float, y: float, r: float) -> str:
    return f"M{x:.1f} {y + 1.1 * r:.1f}l{-1.15 * r:.1f} {-2 * r:.1f}h{2.3 * r:.1f}z"


def _bar(x: float, y: float, r: float) -> str:
    return rectangle(x - 0.5 * r, y - 1.2 * r, r, 2.4 * r)


def _dot(x: float, y: float, r: float) -> str:
    return _circle(x, y, 0.6 * r)


def _cross(x: float, y: float, r: float) -> str:
    a, b = 0.45 * r, 1.25 * r
    return (
        f"M{x - b:.1f} {y - b + a:.1f}l{a:.1f} {-a:.1f}L{x:.1f} {y - a:.1f}L{x + b - a:.1f} {y - b:.1f}l{a:.1f} {a:.1f}"
        f"L{x + a:.1f} {y:.1f}L{x + b:.1f} {y + b - a:.1f}l{-a:.1f} {a:.1f}L{x:.1f} {y + a:.1f}"
        f"L{x - b + a:.1f} {y + b:.1f}l{-a:.1f} {-a:.1f}L{x - a:.1f} {y:.1f}z"
    )


def _plus(x: float, y: float, r: float) -> str:
    a, b = 0.4 * r, 1.1 * r
    return (
        rectangle(x - a, y - b, 2 * a, 2 * b)
        + rectangle(x - b, y - a, b - a, 2 * a)
        + rectangle(x + a, y - a, b - a, 2 * a)
    )


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """A path around a rectangle."""
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


FAMILIES = (
    Family("Missed or not brought", frozenset({EntryKind.MISSED}), "#d4351c", _cross),
    Family("Contact, visit", frozenset({EntryKind.CONTACT, EntryKind.VISIT}), "#0072b2", _circle),
    Family(
        "Assessment, meeting, decision",
        frozenset({EntryKind.ASSESSMENT, EntryKind.MEETING, EntryKind.DECISION}),
        "#7a3e98",
        _square,
    ),
    Family("Referral", frozenset({EntryKind.REFERRAL}), "#e69f00", _up),
    Family("Health", frozenset({EntryKind.HEALTH}), "#009e73", _diamond),
    Family("Education", frozenset({EntryKind.EDUCATION}), "#56b4e9", _down),
    Family("Police", frozenset({EntryKind.POLICE}), "#30363a", _bar),
    Family("Incident", frozenset({EntryKind.INCIDENT}), "#a5005a", _plus),
    Family("Family, other", frozenset({EntryKind.FAMILY_EVENT, EntryKind.OTHER}), "#8a9095", _dot),
)
"""In the order in which they are stacked: what was missed lies on the baseline, where it is seen at once."""

FAMILY_OF = {kind: number for number, family in enumerate(FAMILIES) for kind in family.kinds}
