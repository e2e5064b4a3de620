"""An agency's users: each has the same grants, none is used twice, and one that was shut out stays out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.declared import agency_user, declared
from infra.kafka.generations import Generations, agency_of_user, as_standing, generations, user_of

AGENCIES = st.from_regex(r"[a-z][a-z0-9-]{1,62}", fullmatch=True)
NUMBERS = st.integers(1, 50)
WANTED = declared(["police", "council"])


@given(AGENCIES, NUMBERS)
def test_a_user_tells_whose_it_is(agency: str, number: int) -> None:
    assert agency_of_user(user_of(agency, number)) == agency


@pytest.mark.parametrize(
    "user", ["gateway", "admin", "agency.", "agency.police.0", "agency.police.1", "agency.police.02", "agency.police.x"]
)
def test_no_other_name_is_an_agencys_user(user: str) -> None:
    assert agency_of_user(user) is None


@given(st.sets(NUMBERS, max_size=4), st.sets(NUMBERS, max_size=4))
def test_the_next_user_was_never_there(standing: set[int], gone: set[int]) -> None:
    now = generations(
        "police",
        [user_of("police", number) for number in standing],
        {user_of("police", number) for number in gone} | {user_of("council", 99)},
    )

    assert not set(now.standing) & set(now.gone)
    assert now.next not in {*now.standing, *now.gone}


def test_both_users_of_an_agency_that_changes_its_password_may_do_the_same() -> None:
    both = as_standing(WANTED, {"agency.police", "agency.police.2", "agency.council"}, set())

    may = {
        user: {(grant.operation, grant.resource, grant.name) for grant in both.grants if grant.user == user}
        for user in both.users
    }
    assert may["agency.police"] == may["agency.police.2"] != may["agency.council"]
    assert ("READ", "group", "agency.police.") in may["agency.police.2"], "so that its groups go on where they were"


def test_one_that_was_shut_out_is_granted_nothing_though_its_credential_is_still_there() -> None:
    left = as_standing(WANTED, {"agency.police", "agency.police.2"}, {"agency.police"})

    assert "agency.police" not in left.users
    assert {grant.user for grant in left.grants if "police" in grant.user} == {"agency.police.2"}


def test_an_agency_that_was_shut_out_gets_no_user_by_itself_and_a_new_one_does() -> None:
    left = as_standing(WANTED, set(), {"agency.police"})

    assert agency_user("council") in left.users
    assert not [user for user in left.users if agency_of_user(user) == "police"]
    assert not [grant for grant in left.grants if agency_of_user(grant.user) == "police"]


def test_one_that_was_half_taken_away_is_found_again() -> None:
    now = generations("police", ["agency.police", "agency.police.2"], {"agency.police", "agency.council"})

    assert (now.standing, now.gone, now.half_gone) == (("agency.police.2",), ("agency.police",), ("agency.police",))


def test_services_are_as_declared() -> None:
    left = as_standing(WANTED, {"agency.police.2"}, {"agency.police", "agency.council"})

    def services(users: tuple[str, ...]) -> list[str]:
        return [user for user in users if agency_of_user(user) is None]

    assert services(left.users) == services(WANTED.users)


def test_a_first_user_carries_no_number() -> None:
    assert Generations("police").next == "agency.police"
    assert generations("police", ["agency.police"], set()).next == "agency.police.2"
