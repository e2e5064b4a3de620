"""PostgreSQL comes up for whoever starts it: for root under an account of its own, for anybody else as themselves."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from infra.local import postgres
from infra.local.failures import CannotStart
from infra.local.ports import free_ports
from infra.local.postgres import LocalPostgres

SERVES = """
import json, os, sys
from pathlib import Path
from infra.local.postgres import LocalPostgres, _programs
home, port, uid, gid = Path(sys.argv[1]), *map(int, sys.argv[2:])
_programs(), "".encode("idna")  # looked up while Python's own folders can be read: they may lie in root's home
if os.geteuid() != uid:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
server = LocalPostgres(home / "postgres", port=port, secrets_folder=home)
for _ in range(2):
    server.start()
    print(json.dumps({"pid": server.process.pid, "url": server.admin_url}), flush=True)
    sys.stdin.readline()
    server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where another account gets to as well, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="accounts-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _somebody() -> pwd.struct_passwd:
    """Who is not root: ourselves, or else the account that every system has for that."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _runs_as(pid: int) -> int:
    return int(psutil.Process(pid).uids().effective)


async def _query(url: str, query: str) -> object:
    session = await asyncpg.connect(url)
    try:
        return await session.fetchval(query)
    finally:
        await session.close()


async def test_for_whoever_is_not_root_it_runs_as_themselves_and_finds_its_data_again(folder: Path) -> None:
    somebody = _somebody()
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    told = [str(folder), *map(str, (*free_ports(1), somebody.pw_uid, somebody.pw_gid))]
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here meanwhile
        [sys.executable, "-c", SERVES, *told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        assert _runs_as(first["pid"]) == somebody.pw_uid
        await _query(first["url"], "create table kept as select 7 as number")
        print(file=running.stdin, flush=True)
        again = json.loads(running.stdout.readline())
        assert await _query(again["url"], "select number from kept") == 7
        print(file=running.stdin, flush=True)
    assert running.returncode == 0


def test_for_root_it_runs_under_an_account_of_its_own_and_for_others_as_themselves(folder: Path) -> None:
    server = LocalPostgres(folder / "postgres", port=free_ports(1)[0], secrets_folder=folder)
    server.start()
    try:
        assert server.process is not None
        own = pwd.getpwnam(postgres.ACCOUNT_FOR_ROOT).pw_uid if os.geteuid() == 0 else os.geteuid()
        assert _runs_as(server.process.pid) == own != 0
        assert {path.stat().st_uid for path in (server.home / "data").rglob("*")} == {own}
    finally:
        server.stop()


@pytest.mark.parametrize("useradd", ["#!/bin/sh\nexit 1\n", None], ids=["that fails", "that is not there"])
def test_where_root_can_make_no_account_for_it_the_remedy_is_said(
    folder: Path, useradd: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if useradd is not None:
        (folder / "useradd").write_text(useradd)
        (folder / "useradd").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "ACCOUNT_FOR_ROOT", "nobody-has-this-account")
    with pytest.raises(CannotStart, match="'nobody-has-this-account' could be made for it: make one, or start as ano"):
        LocalPostgres(folder / "postgres", port=1, secrets_folder=folder)
