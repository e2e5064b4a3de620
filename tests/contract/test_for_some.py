"""What one agency is asked and answers is for it and the authority alone, whatever the type and whoever else asks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import CATALOGUE
from contracts.for_some import ForSome
from contracts.reviews import Addressed
from contracts.vault import RecordRead
from infra.contracts.examples import facts

AGENCIES = st.from_regex(r"[a-z][a-z0-9-]{1,20}", fullmatch=True)
OF_ONE_AGENCY = sorted(name for name, entry in CATALOGUE.items() if issubclass(entry.model, Addressed))
EXAMPLES: dict[str, Any] = {fact["type"].rpartition(".v")[0]: fact["data"] for _, fact in facts()}


def test_every_fact_that_names_an_agencys_request_is_for_that_agency() -> None:
    naming = {name for name, entry in CATALOGUE.items() if "request" in entry.model.model_fields}
    assert naming == set(OF_ONE_AGENCY)
    assert len(naming) > 5


@pytest.mark.parametrize("name", OF_ONE_AGENCY)
@given(asked=AGENCIES, other=AGENCIES, authority=st.none() | AGENCIES)
def test_whatever_the_type_it_is_for_nobody_but_its_agency_and_the_authority(
    name: str, asked: str, other: str, authority: str | None
) -> None:
    said = CATALOGUE[name].model.model_validate(EXAMPLES[name] | {"agency": asked})
    assert isinstance(said, ForSome)
    assert said.is_for(asked, authority)
    assert authority is None or said.is_for(authority, authority)
    assert said.is_for(other, authority) == (other in {asked, authority})


@given(reader=AGENCIES, owner=AGENCIES, other=AGENCIES, authority=st.none() | AGENCIES)
def test_that_a_record_was_read_is_for_whose_words_they_were_and_the_authority_and_not_for_who_looked(
    reader: str, owner: str, other: str, authority: str | None
) -> None:
    said = RecordRead.model_validate(EXAMPLES["record.read"] | {"agency": reader, "owners": (owner,)})
    assert isinstance(said, ForSome)
    assert said.is_for(owner, authority)
    assert said.is_for(other, authority) == (other in {owner, authority})


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if issubclass(entry.model, ForSome)])
def test_its_page_says_for_whom_it_is(name: str) -> None:
    model = CATALOGUE[name].model
    assert issubclass(model, ForSome)
    assert f"it is for {model.for_whom}" in Path(f"docs/catalogue/{name}.html").read_text(encoding="utf-8")
