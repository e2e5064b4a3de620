"""What a return leaves out: the voice of the child, and who the child is. Reviews are criticised for missing them.

Source: DOMAIN section 6 ('It's Silent', March 2025: race superficially covered, faith often missing). A word found
says no more than that the matter is mentioned; whether it was considered, people judge.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from services.rapid_review.chronology.entries import Return


class Missing(StrEnum):
    """What is to be asked about."""

    VOICE = "voice"
    RACE = "race"
    FAITH = "faith"
    DISABILITY = "disability"


@dataclass(frozen=True, slots=True)
class Prompt:
    agency: str
    missing: Missing


_MENTIONS = {
    Missing.RACE: r"rac(?:e|ial\w*|is\w+)|ethnic\w*|heritage|cultur\w*|nationalit\w+|black|white|asian|gypsy|roma"
    r"|traveller|mixed|anti-?racis\w+",
    Missing.FAITH: r"faith\w*|religio\w+|belief\w*|christian\w*|muslim\w*|islam\w*|jew(?:ish|s)?|judaism|hindu\w*"
    r"|sikh\w*|buddhis\w+|church|mosque|synagogue|temple|gurdwara",
    Missing.DISABILITY: r"disab\w+|impair\w+|send?|ehcp|neurodiver\w+|autis\w+|adhd|learning (?:difficult\w+|needs)"
    r"|special educational needs|deaf|blind|wheelchair|additional needs",
}
_PATTERNS = {what: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for what, words in _MENTIONS.items()}


def prompts(answer: Return) -> tuple[Prompt, ...]:
    """What to ask an agency about. A nil return has nothing to be asked about."""
    return () if answer.nil else tuple(Prompt(answer.agency, what) for what in Missing if _is_missing(what, answer))


def _is_missing(what: Missing, answer: Return) -> bool:
    if what is Missing.VOICE:
        return not answer.voice_of_the_child and not any(
            each.voice_heard or each.voice_of_the_child for each in answer.entries
        )
    return not _PATTERNS[what].search(answer.identity_considered or "")
