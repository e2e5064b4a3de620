"""Codes of the contracts as people say them."""

from contracts.codes import AgencyType

_OTHERWISE = {AgencyType.ICB.value: "Integrated care board"}
_STREAMS = {
    "safeguarding.incidents": "Incidents and their deadlines",
    "safeguarding.notifications": "Notifications to the Panel",
    "safeguarding.reviews": "Rapid reviews and practice reviews",
    "safeguarding.calendar": "The calendar of working days",
    "safeguarding.directory": "Agencies, their sharing agreements, and local rules",
    "safeguarding.vault": "The vault",
    "safeguarding.erasures": "What was erased",
    "answers": "Answers to what was proposed",
}


def plain(code: str) -> str:
    """A kind of agency, a role or a kind of sealed words."""
    return _OTHERWISE.get(code, code.replace("_", " ").capitalize())


def stream(topic: str) -> str:
    """What a topic is about."""
    return _STREAMS.get(topic, topic)


def joined(names: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
