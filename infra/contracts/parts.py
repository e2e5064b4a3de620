"""Everything that somebody outside relies on, as schemas: generated, weighed against the released, and frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts import exports, feeds, review_exports
from contracts.catalogue import CATALOGUE, EventType
from contracts.schema_forms import Form, Schema, forms, schema

EXPORTS = "exports"


@dataclass(frozen=True)
class Copy:
    """A copy that is handed over: its schema, its version, the module that has it, and the type that it is a copy of:
    whoever may read that may be handed one."""

    schema: Schema
    version: str
    module: str
    copied: str


_OF_A_REVIEW = {
    "rapid-review": "review.drafted",
    "chronology": "review.drafted",
    "information-request": "information.requested",
    "advance-copy": "advance-copy.delivered",
}
COPIES: Mapping[str, Copy] = {
    exports.NAME: Copy(exports.schema(), exports.EXPORT_VERSION, "exports.py", "notification.submitted"),
    **{
        name: Copy(made, review_exports.EXPORT_VERSION, "review_exports.py", _OF_A_REVIEW[name])
        for name, made in review_exports.schemas()
    },
}


@dataclass(frozen=True)
class Part:
    """One schema: a version of a type in one form, or (without an entry) of a copy that is handed over.

    `folder` is where it lies among others of its form, in `contracts/schemas` and in `contracts/released`.
    """

    name: str
    major: int
    folder: str
    entry: EventType | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        return self.name, self.major, self.folder

    @property
    def compared_as(self) -> Form:
        """Whether a change is borne by who sends it or by who reads it."""
        return Form.PUBLISH if self.folder == Form.PUBLISH else Form.READ

    def today(self) -> Schema:
        """The schema as the contracts make it today."""
        if self.entry is None:
            return COPIES[self.name].schema
        if self.folder == feeds.FORM:
            return feeds.outbound_schema(self.entry, self.major)
        return schema(self.entry, self.major, Form(self.folder))

    def place(self, home: Path) -> Path:
        """Where it lies below `home`."""
        return home / self.folder / f"{self.name}.v{self.major}.json"

    def __str__(self) -> str:
        return f"{self.name}.v{self.major} ({self.folder})"


def parts(catalogue: Mapping[str, EventType] = CATALOGUE) -> Iterator[Part]:
    """Every part: each version of each type in each of its forms, what only feeds hold, and the copies.

    A retired version is read for ever, and neither published nor given to anyone.
    """
    for entry in catalogue.values():
        for major in entry.models:
            yield from (Part(entry.name, major, form, entry) for form in forms(entry, major))
            if entry.ceiling.agencies and major not in entry.retired:
                yield Part(entry.name, major, feeds.FORM, entry)
    yield from (Part(entry.name, entry.major, feeds.FORM, entry) for entry in feeds.OWN)
    yield from (Part(name, int(copy.version.partition(".")[0]), EXPORTS) for name, copy in COPIES.items())
