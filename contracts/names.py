"""Event names are facts in plain words: a thing and a past participle that says what happened to it."""

import re

VAGUE = {
    "updated": "say what is different now: `amended`, `corrected`, `decided`",
    "changed": "say what is different now: `amended`, `corrected`, `recomputed`",
    "modified": "say what is different now: `amended`, `corrected`",
    "processed": "say what came of it: `accepted`, `refused`, `filed`",
    "handled": "say what came of it: `answered`, `closed`",
    "managed": "say what was done",
    "actioned": "say what was done",
    "triggered": "say what happened: `missed`, `set`",
    "created": "say how it came about: `referred`, `drafted`, `set`",
    "deleted": "nothing is deleted: `withdrawn`, `recalled`, `erased`",
    "received": "say what it is to the business: `referred`, `submitted`",
    "sent": "say what it is to the business: `notified`, `submitted`",
    "done": "say what was done",
}
FORM = re.compile(r"^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$")


def vague(name: str) -> str | None:
    """What is wrong with an event's name and what to write instead; None where it is plain."""
    if not FORM.match(name):
        return "a name is `thing.past-participle`, in lower case"
    for word in name.partition(".")[2].split("-"):
        if word in VAGUE:
            return f"`{word}` is vague: {VAGUE[word]}"
    return None
