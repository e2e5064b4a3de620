"""The agencies file: which partner agencies there are, and their agreements, to be read and to be written."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.access import Agreement
from contracts.directory import Agency, Directory, directory_from

AGENCIES = Path(__file__).with_name("demo") / "agencies.toml"


def read_agencies(file: Path = AGENCIES) -> list[str]:
    """The ids of the agencies in `file`. Raises OSError, and BadDirectory (a ValueError) when it cannot be used."""
    return sorted(directory_from(file.read_text()).agencies)


def agencies_file(within: Directory) -> str:
    """What is in force, in the form that `directory_from` reads; without addresses and what awaits somebody."""
    return "\n".join(_tables(within))


def _tables(within: Directory) -> Iterator[str]:
    for id_, partnership in sorted(within.partnerships.items()):
        yield _table("partnership", id=id_, name=partnership.name, areas=sorted(partnership.areas))
    for _, agency in sorted(within.agencies.items()):
        yield _table("agency", **_agency(within, agency))
    for _, agreement in sorted(within.agreements.items()):
        yield _table("agreement", **_agreement(agreement))


def _agency(within: Directory, agency: Agency) -> dict[str, Any]:
    known = frozenset[str]().union(*(within.partnerships[place].areas for place in agency.partnerships))
    return {
        "id": agency.id,
        "name": agency.name,
        "type": agency.type.value,
        "areas": sorted(agency.areas & known),
        "partnerships": sorted(agency.partnerships),
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "agency": agreement.agency,
        "partnership": agreement.partnership,
        "version": agreement.version,
        "legal_basis": agreement.legal_basis,
        "review_on": agreement.review_on.isoformat(),
        "incidents": sorted(agreement.incidents),
        "may_propose": sorted(agreement.may_propose),
        "may_read": sorted(agreement.may_read),
        "fields": {name: sorted(fields.named) for name, fields in sorted(agreement.fields.items())},
        "reads": dict(sorted(agreement.reads.items())),
    }


def _table(kind: str, **values: Any) -> str:
    return "\n".join([f"[[{kind}]]", *(f"{name} = {_value(value)}" for name, value in values.items())]) + "\n"


def _value(value: Any) -> str:
    """Strings, numbers and lists of strings, which JSON writes as TOML does; and one table of them within a line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return json.dumps(value, ensure_ascii=False)
