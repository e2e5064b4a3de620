"""Who must be told of a notification, worked out from its grounds (DOMAIN 1.1, T01 to T04, 4A item 19)."""

from collections.abc import Iterable

from contracts.codes import Ground

SECTION_16C = frozenset({Ground.S16C_A, Ground.S16C_B})
PANEL, DEPARTMENT, OFSTED, PARTNERS = "panel", "department", "ofsted", "partners"


def review_follows(grounds: Iterable[Ground]) -> bool:
    """Whether a rapid review follows: with any section 16C ground, never otherwise."""
    return bool(SECTION_16C & set(grounds))


def recipients(grounds: Iterable[Ground], other_areas: Iterable[str] = ()) -> tuple[str, ...]:
    """The recipients of a notification in their usual order; other areas by their area code.

    The Panel considers section 16C cases only; the Department and Ofsted get every notification, through the Panel's
    system; partners and other areas hear of section 16C cases and of a looked-after child's death, of a care leaver's
    by local rule alone (default: no).
    """
    found = set(grounds)
    if not found:
        return ()
    considered = (PANEL,) if review_follows(found) else ()
    local = (PARTNERS, *other_areas) if found & (SECTION_16C | {Ground.LAC_DEATH}) else ()
    return (*considered, DEPARTMENT, OFSTED, *local)
