"""Reports as a page of plain text, OFFICIAL-SENSITIVE: for a person to read, print and file. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from shared.london import LONDON

MARKING = "OFFICIAL-SENSITIVE"
_LOOKED_AT = {"event": "its words", "incident": "any words of the incident"}
WHY_HELD = {
    "third_party": "another person's own",
    "speaks_of_others": "speaks of another child; not read for release",
    "words": "free text or a place, not read for release",
    "document": "a document, not read for release",
}


def breach_report(told: Mapping[str, Any]) -> str:
    """The first page of a breach report."""
    return _page(_breach(told))


def own_record(told: Mapping[str, Any]) -> str:
    """A person's own record."""
    return _page(_own(told))


def _breach(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"Who received what of {told['incident']}"
    yield f"Event: {told['event'] or 'all of them'}; looks at {_LOOKED_AT[told['looksAt']]}"
    yield f"Made {_at(told['madeAt'])} by {told['madeBy']}; referred by {', '.join(told['referredBy'])}"
    for one in told["recalled"]:
        whom = f" (wrong recipients: {', '.join(one['recipients'])})" if one["recipients"] else ""
        yield f"Recalled: {one['event']}, {_plain(one['because'])}{whom}"
    if not told["agencies"]:
        yield ""
        yield "Nobody received anything, and nobody looked."
    for agency in told["agencies"]:
        yield ""
        yield f"{agency['name']} ({agency['agency']})"
        if not agency["received"]:
            yield "  received nothing"
        for one in agency["received"]:
            left_out = f"; left out: {', '.join(one['leftOut'])}" if one.get("leftOut") else ""
            yield f"  {_at(one['at'])}  {one['type']}  {_way(one)}{left_out}"
        for one in agency["toldOfRecall"]:
            read = f"read {_at(one['readAt'])}" if one["readAt"] else "not read yet"
            yield f"  recall of {one['event']}: {read}"
        if not agency["looks"]:
            yield "  never looked at the words"
        for look in agency["looks"]:
            roles = ", ".join(look["roles"]) or look["kind"]
            yield f"  looked {_at(look['at'])}: {look['who']} ({roles}), for {_plain(look['purpose'])}"


def _way(one: Mapping[str, Any]) -> str:
    """Over which way, and whether it has it: what was published on a topic lies there until it is taken, and what was
    sent over HTTPS it may have though it never said so. What a person told by hand is told."""
    if one["way"] is None:
        return "in its feed, not read yet"
    over = f"over {_plain(one['way'])}"
    if "takenAt" not in one:
        return over
    if one["takenAt"]:
        return f"{over}, taken {_at(one['takenAt'])}"
    if one["way"] != "kafka":
        return f"{over}, not acknowledged: it may have it"
    return f"{over}, not taken yet" if one["times"] else f"{over}, broken off: it may have it"


def _own(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"What is kept about {told['subject']}"
    if len(told["subjects"]) > 1:
        yield f"with whom it was found to be one: {', '.join(s for s in told['subjects'] if s != told['subject'])}"
    yield ""
    yield "Given"
    for one in told["given"]:
        yield f"  {_plain(one['kind'])}, filed {_at(one['filedAt'])} from {one['agency'] or 'the exchange'}"
        yield from (f"    {line}" for line in _lines(one["value"] if one["status"] == "present" else one["status"]))
    for each in told["codes"]:
        yield f"  as recorded in {each['incident']}"
        yield from (f"    {line}" for line in _lines(each["codes"]))
    yield ""
    yield "Held back, since it is or may be about somebody else"
    for one in told["heldBack"]:
        yield f"  {_plain(one['kind'])} of {_at(one['filedAt'])}: {WHY_HELD[one['why']]}  [{one['reference']}]"
    if not told["heldBack"]:
        yield "  nothing"
    yield ""
    yield "Who looked"
    for look in told["looks"]:
        whom = f" of {look['agency']}" if look["agency"] else ""
        yield f"  {_at(look['at'])}  {look['who']}{whom}, for {_plain(look['purpose'])}"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if each not in (None, "", [], ()):
                yield f"{_plain_name(name)}: {_said(each)}"
    else:
        yield from str(value).splitlines()


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain_name(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _plain(code: str) -> str:
    return code.replace("_", " ")


def _at(text: str) -> str:
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(LONDON)
    return f"{at:%d %b %Y %H:%M %Z}"


def _page(lines: Iterable[str]) -> str:
    return "\n".join((MARKING, "", *lines, "", MARKING, ""))
