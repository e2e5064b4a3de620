"""The issuer's keys over time, and the identities it is given."""

import shutil
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from infra.issuer.identities import BadIdentities, ensure_identities, password_holds, read_identities
from infra.issuer.once import Once
from infra.issuer.signing import KEY_SHOWN_AFTER, KEY_SHOWN_BEFORE, KEY_SIGNS, SigningKey, SigningKeys, rotated

DEMO = Path("infra/demo/identities.toml")
_KEY = ECKey.generate_key("P-256", auto_kid=True)


@given(st.lists(st.integers(1, 3 * KEY_SIGNS), max_size=30))
def test_a_key_is_always_shown_long_enough_before_and_after_it_signs(pauses: list[int]) -> None:
    now = 1_800_000_000
    keys = rotated([], now, lambda: _KEY)
    first_shown = {keys[0].signs_from: now}
    for pause in pauses:
        before = now
        signing_before = [key for key in keys if key.signs_from <= before][-1]
        now += pause
        keys = rotated(keys, now, lambda: _KEY)
        for key in keys:
            first_shown.setdefault(key.signs_from, now)
        for key in keys[1:]:
            assert key.signs_from - first_shown[key.signs_from] >= KEY_SHOWN_BEFORE
        assert keys[0].signs_from <= now, "one signs"
        if pause <= KEY_SHOWN_AFTER:
            assert signing_before in keys, "tokens it signed still hold"
        assert len(keys) <= 3


def test_a_key_that_was_retired_is_no_longer_published() -> None:
    old, new = SigningKey(_KEY, 0), SigningKey(_KEY, 1000)

    assert rotated([old, new], 1000 + KEY_SHOWN_AFTER - 1, lambda: _KEY)[0] == old
    assert rotated([old, new], 1000 + KEY_SHOWN_AFTER, lambda: _KEY)[0] == new


def test_keys_outlive_a_restart_and_change_with_time(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    path = tmp_path / "issuer" / "signing-keys.json"
    keys = SigningKeys(path, now=lambda: now[0])
    first = keys.active().kid

    assert SigningKeys(path, now=lambda: now[0]).active().kid == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    now[0] += KEY_SIGNS - KEY_SHOWN_BEFORE
    assert keys.active().kid == first
    assert len(keys.published().keys) == 2
    now[0] += KEY_SHOWN_BEFORE
    assert keys.active().kid != first
    assert {key.kid for key in keys.published()} >= {first, keys.active().kid}


def test_a_thing_kept_is_given_out_once_and_not_after_its_time() -> None:
    now = [0.0]
    once: Once[str] = Once(60, lambda: now[0])

    assert once.keep("a", "first")
    assert not once.keep("a", "second")
    assert once.take("a") == "first"
    assert once.take("a") is None
    once.keep("b", "late")
    now[0] = 60
    assert once.take("b") is None
    assert once.keep("b", "anew")


def test_identities_are_made_once(tmp_path: Path) -> None:
    first = ensure_identities(DEMO, tmp_path)
    key = first.key_file("gateway").read_bytes()
    password = first.password_file("operator").read_text()

    again = ensure_identities(DEMO, tmp_path)

    assert again.key_file("gateway").read_bytes() == key
    assert password_holds(again, "operator", password)
    assert not password_holds(again, "operator", password + "x")
    assert not password_holds(again, "authority-notifier", password)
    assert not password_holds(again, None, password)


def test_an_identity_added_to_the_file_gets_its_key(tmp_path: Path) -> None:
    ensure_identities(DEMO, tmp_path)
    more = tmp_path / "more.toml"
    shutil.copy(DEMO, more)
    with more.open("a") as file:
        file.write('\n[[service]]\nid = "learning-register"\n')

    assert ensure_identities(more, tmp_path).key_file("learning-register").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[[service]\n", "identities.toml"),
        ('[[service]]\nid = "Gateway"\n', "service.0.id"),
        ('[[service]]\nid = "gateway"\npassword = "x"\n', "service.0.password"),
        ('[[service]]\nid = "twin"\n[[agency]]\nid = "twin"\npartnerships = []\n', "used twice: twin"),
        (
            '[[person]]\nid = "clerk"\ntitle = "Clerk"\nagency = "no-such"\nroles = []\npartnerships = []\n',
            "not in the file: clerk",
        ),
    ],
)
def test_a_bad_identities_file_is_refused_with_the_place(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "identities.toml").write_text(content)

    with pytest.raises(BadIdentities, match=told.replace(".", r"\.")):
        read_identities(tmp_path / "identities.toml")


def test_the_demos_identities_and_its_agencies_are_the_same() -> None:
    agencies = tomllib.loads(Path("infra/demo/agencies.toml").read_text())["agency"]
    identities = read_identities(DEMO)

    assert {each["id"]: set(each["partnerships"]) for each in agencies} == {
        each.id: set(each.partnerships) for each in identities.agency
    }
    assert {each for person in identities.person for each in person.partnerships} == {"northshire", "southmere"}
