"""Keys and what they open: bound to their place, and to nobody else's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vault.ciphers import Damaged, MasterKeys, UnknownMasterKey, UnsafeKeyFile, binding, lock, new_key, unlock


@given(st.binary(max_size=200), st.lists(st.one_of(st.none(), st.text(max_size=10), st.integers())))
def test_what_was_locked_is_unlocked_in_its_own_place(content: bytes, place: list[str | int | None]) -> None:
    key = new_key()
    assert unlock(key, lock(key, content, binding(*place)), binding(*place)) == content


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_two_places_are_never_written_alike(one: list[str], other: list[str]) -> None:
    assert (binding(*one) == binding(*other)) == (one == other)


def test_another_place_another_key_or_another_byte_opens_nothing() -> None:
    key = new_key()
    locked = lock(key, b"words", binding("item", "a"))
    spoilt = locked[:-1] + bytes([locked[-1] ^ 1])
    attempts = [(key, locked, "b"), (new_key(), locked, "a"), (key, spoilt, "a"), (key, b"", "a")]
    for with_key, ciphertext, place in attempts:
        with pytest.raises(Damaged):
            unlock(with_key, ciphertext, binding("item", place))


def test_a_master_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master-keys"
    MasterKeys.begin(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        MasterKeys.read(file)


@pytest.mark.parametrize("content", ["", "master-1", "master-1 not-base64!", "master-1 c2hvcnQ="])
def test_a_master_key_file_that_holds_no_key_is_refused_without_being_quoted(tmp_path: Path, content: str) -> None:
    file = tmp_path / "master-keys"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(UnsafeKeyFile) as refused:
        MasterKeys.read(file)
    assert "not-base64" not in str(refused.value)


def test_keys_of_a_retired_master_still_open_until_its_line_goes(tmp_path: Path) -> None:
    file = tmp_path / "master-keys"
    old = MasterKeys.begin(file)
    wrapped = old.wrap(b"k" * 32, "subject-1")
    both = MasterKeys.add(file)
    assert both.current != old.current
    assert both.unwrap(wrapped, "subject-1") == b"k" * 32
    file.write_text(file.read_text().splitlines()[1] + "\n")
    with pytest.raises(UnknownMasterKey):
        MasterKeys.read(file).unwrap(wrapped, "subject-1")


def test_a_wrapped_key_is_good_for_its_owner_alone(tmp_path: Path) -> None:
    masters = MasterKeys.begin(tmp_path / "master-keys")
    with pytest.raises(Damaged):
        masters.unwrap(masters.wrap(new_key(), "subject-1"), "subject-2")
