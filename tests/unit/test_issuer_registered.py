"""What an issuer keeps of a client's keys, and what it will not take for one."""

import json
import stat
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from infra.issuer.registered import BadKey, Register, Registration, public_key

key = ECKey.generate_key("P-256")


def test_what_is_registered_is_read_back_without_any_private_half(tmp_path: Path) -> None:
    other = ECKey.generate_key("P-256")
    register = Register(tmp_path)

    register.write("northshire-police", Registration((key, other), ("northshire",)))

    found = register.read("northshire-police")
    assert found.ids == [key.thumbprint(), other.thumbprint()]
    assert found.partnerships == ("northshire",)
    assert '"d"' not in (tmp_path / "northshire-police.json").read_text()
    assert stat.S_IMODE((tmp_path / "northshire-police.json").stat().st_mode) == 0o600


def test_a_file_of_the_first_form_is_understood(tmp_path: Path) -> None:
    (tmp_path / "gateway.json").write_text(json.dumps(key.as_dict(private=False)))

    assert Register(tmp_path).read("gateway").ids == [key.thumbprint()]


def test_a_client_without_keys_is_known_and_has_none(tmp_path: Path) -> None:
    register = Register(tmp_path)
    register.write("northshire-police", Registration())

    assert register.has("northshire-police")
    assert not register.read("northshire-police").keys
    assert not register.has("southmere-police")


@pytest.mark.parametrize("name", ["../secrets", "..", "", "a/b", "northshire-police\n", "northshire-police\0", "é" * 9])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secrets.json").write_text("{}")

    assert not Register(tmp_path / "clients").has(name)
    assert Register(tmp_path / "clients").read(name) == Registration()


@pytest.mark.parametrize("content", [key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()])
def test_a_public_key_comes_as_pem_or_jwk(content: bytes) -> None:
    assert public_key(content).thumbprint() == key.thumbprint()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (key.as_pem(private=True), "private key"),
        (json.dumps(key.as_dict(private=True)).encode(), "private key"),
        (ECKey.generate_key("P-384").as_pem(private=False), "its curve is P-384"),
        (RSAKey.generate_key(2048).as_pem(private=False), "no elliptic-curve public key"),
        (b"-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----\n", "no elliptic-curve public key"),
        (b"{}", "no elliptic-curve public key"),
        (b"{", "no elliptic-curve public key"),
        (b"", "no elliptic-curve public key"),
    ],
)
def test_what_is_no_fit_public_key_is_refused_with_the_reason(content: bytes, told: str) -> None:
    with pytest.raises(BadKey, match=told):
        public_key(content)
