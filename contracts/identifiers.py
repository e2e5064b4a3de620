"""Identifiers as they stand in every event: opaque, pseudonymous, safe in a log line."""

from typing import Annotated
from uuid import uuid4

from pydantic import StringConstraints

AgencyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
PartnershipId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
"""An account's id: the issuer's `sub`, chosen so that it names an office, never a human being."""

AreaCode = Annotated[str, StringConstraints(pattern=r"^E[0-9]{8}$")]
"""An Office for National Statistics code of an English area, such as a local authority's."""

IncidentId = Annotated[str, StringConstraints(pattern=r"^incident-[0-9a-f]{32}$")]
SubjectId = Annotated[str, StringConstraints(pattern=r"^subject-[0-9a-f]{32}$")]
SubmissionId = Annotated[str, StringConstraints(pattern=r"^submission-[0-9a-f]{32}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^vault:[0-9a-f]{32}$")]
"""Where the vault keeps what must not travel: words about a case, an identity, a document."""

ExternalReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""Another system's own number. Short and without spaces, so that it cannot carry a sentence."""


def mint(kind: str) -> str:
    """A new identifier: `mint("incident")` gives `incident-` and 32 hexadecimal digits."""
    return f"{kind}-{uuid4().hex}"


def mint_reference() -> str:
    """A new vault reference."""
    return f"vault:{uuid4().hex}"
