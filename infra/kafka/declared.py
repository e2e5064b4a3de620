"""What `declared.toml` says, spelt out for the agencies there are."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DECLARED = Path(__file__).with_name("declared.toml")
AGENCY = "{agency}"
AGENCY_ID = re.compile(r"[a-z][a-z0-9-]{1,62}")


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    configs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Grant:
    """`user` may do `operation` to the topic of that name, or to every group whose name begins so."""

    user: str
    operation: str
    resource: str
    name: str


@dataclass(frozen=True)
class Declared:
    topics: tuple[Topic, ...]
    users: tuple[str, ...]
    grants: frozenset[Grant]


def agency_user(agency: str) -> str:
    """The SCRAM user of a partner agency's own system; its consumer groups begin with the same and a dot."""
    return f"agency.{agency}"


def declared(agencies: Iterable[str], file: Path = DECLARED) -> Declared:
    """Topics, users and grants for these agencies. Raises ValueError where the file or an agency's id is amiss."""
    everyone = sorted(set(agencies))
    if wrong := [agency for agency in everyone if not AGENCY_ID.fullmatch(agency)]:
        raise ValueError(f"not ids of agencies: {', '.join(wrong)}")
    said = tomllib.loads(file.read_text())
    kinds = {name: dict(kind) for name, kind in said["kinds"].items()}
    topics = tuple(
        _topic(name, kinds[kind]) for pattern, kind in said["topics"].items() for name in _each(pattern, everyone)
    )
    users = {
        user: {key: _granted(value, user, pattern, everyone) for key, value in rights.items()}
        for pattern, rights in said["users"].items()
        for user in _each(pattern, everyone)
    }
    grants = frozenset(grant for user, rights in users.items() for grant in _grants(user, rights))
    known = {topic.name for topic in topics}
    if unknown := sorted({grant.name for grant in grants if grant.resource == "topic"} - known):
        raise ValueError(f"{file.name} grants topics that it does not declare: {', '.join(unknown)}")
    return Declared(topics, tuple(users), grants)


def _topic(name: str, kind: dict[str, Any]) -> Topic:
    configs = tuple(sorted((key, str(value)) for key, value in kind.items() if key != "partitions"))
    return Topic(name, int(kind["partitions"]), configs)


def _each(pattern: str, agencies: list[str]) -> list[str]:
    return [pattern.replace(AGENCY, agency) for agency in agencies] if AGENCY in pattern else [pattern]


def _granted(value: str | list[str], user: str, pattern: str, agencies: list[str]) -> list[str]:
    """An agency's own user is granted its own topics alone; a service's, those of every agency."""
    patterns = [value] if isinstance(value, str) else value
    mine = [agency for agency in agencies if pattern.replace(AGENCY, agency) == user] if AGENCY in pattern else agencies
    return [name for one in patterns for name in _each(one, mine)]


def _grants(user: str, rights: dict[str, list[str]]) -> Iterable[Grant]:
    operations = {"writes": ["WRITE", "DESCRIBE"], "reads": ["READ", "DESCRIBE"], "empties": ["DELETE"]}
    if unknown := sorted(set(rights) - set(operations) - {"groups", "watches"}):
        raise ValueError(f"user {user} is given rights that there are not: {', '.join(unknown)}")
    for right, names in operations.items():
        yield from (Grant(user, one, "topic", name) for name in rights.get(right, []) for one in names)
    yield from (Grant(user, one, "group", name) for name in rights.get("groups", []) for one in ("READ", "DESCRIBE"))
    yield from (Grant(user, "DESCRIBE", "group", name) for name in rights.get("watches", []))
