"""What goes wrong for whoever starts the stack is said in a sentence with the remedy."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from infra.local.failures import CannotStart, about_disk, require_room
from infra.local.home import Home
from infra.local.jars import MIRROR_SETTING, fetch_jars, locked_jars
from infra.local.ports import LOOPBACK, free_ports, require_free
from infra.local.processes import start
from infra.local.secret_files import secret
from infra.local.stack import Stack

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_taken_port_names_who_has_it_and_what_moves_it() -> None:
    with socket.create_server((LOOPBACK, 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(CannotStart) as refused:
            require_free(port, "the gateway", "--ports-from")
    sentence = str(refused.value)
    assert f"Port {port}, which the gateway needs, is taken by " in sentence
    assert f"process {os.getpid()}" in sentence
    assert "--ports-from" in sentence
    require_free(port, "the gateway", "--ports-from")


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"has \d+ MB free and the stack needs .* --home"):
        require_room(tmp_path, needed_bytes=2**62)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EROFS, "may not be written")]
)
def test_a_disk_that_cannot_be_written_is_told_from_other_faults(tmp_path: Path, number: int, words: str) -> None:
    assert words in str(about_disk(OSError(number, os.strerror(number)), tmp_path))
    assert about_disk(OSError(errno.ECONNREFUSED, "refused"), tmp_path) is None


def test_a_registry_that_does_not_answer_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_SETTING, f"http://{LOOPBACK}:{free_ports(1)[0]}")
    with pytest.raises(CannotStart, match=f"registry did not answer .* check the network and proxy.*{MIRROR_SETTING}"):
        fetch_jars(tmp_path)


def test_a_jar_with_other_bytes_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = tmp_path / "registry"
    for jar in locked_jars():
        group, name, version = jar.coordinate.split(":")
        path = served / group.replace(".", "/") / name / version / f"{name}-{version}.jar"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"not what was locked")
    port = free_ports(1)[0]
    registry = start(
        [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK, "--directory", served],
        environment={},
        log=tmp_path / "registry.log",
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and socket.socket().connect_ex((LOOPBACK, port)):
            time.sleep(0.05)
        monkeypatch.setenv(MIRROR_SETTING, f"http://{LOOPBACK}:{port}")
        with pytest.raises(CannotStart, match="arrived with other bytes"):
            fetch_jars(tmp_path / "cache")
    finally:
        registry.kill()
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    refusal = pytest.raises(CannotStart, match=f"Process {os.getpid()} already runs the stack in .*--home")
    with Home(tmp_path).hold(), refusal, Home(tmp_path).hold():
        pass
    with Home(tmp_path).hold():
        pass


def test_what_a_stack_keeps_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "of-an-earlier-run"
    (folder / "kafka").mkdir(parents=True, mode=0o755)
    with Home(folder).hold():
        modes = {name: (folder / name).stat().st_mode & 0o777 for name in (".", "kafka", "logs", "services", "issuer")}
    assert modes.pop(".") & 0o066 == 0  # nobody else lists it or writes in it
    assert set(modes.values()) == {0o700}


def test_a_folder_of_another_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "made-by").write_text("layout 0, Kafka 3.9.0, PostgreSQL 16\n")
    with pytest.raises(CannotStart, match=r"made by another version \(layout 0.*make clean"), Home(tmp_path).hold():
        pass
    assert (tmp_path / "made-by").read_text() == "layout 0, Kafka 3.9.0, PostgreSQL 16\n"


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from infra.local.home import Home
from infra.local.processes import start
home = Home(Path(sys.argv[1]))
with home.hold():
    child = start([sys.executable, "-c", "import time; time.sleep(60)"], environment={}, orphan_signal=int(sys.argv[2]))
    home.remember([child])
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_run(home: Path, orphan_signal: int) -> int:
    """A run that holds `home`, starts a child and is killed; the child's pid."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, str(home), str(orphan_signal)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return int(done.stdout)


def test_what_a_killed_run_left_running_is_ended_by_the_next(tmp_path: Path) -> None:
    orphan = killed_run(tmp_path, signal.SIGCONT)  # a signal that ends nothing, as where the kernel sends none
    assert psutil.pid_exists(orphan)
    with Home(tmp_path).hold():
        assert not runs(orphan)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    orphan = killed_run(tmp_path, signal.SIGTERM)
    until = time.monotonic() + 5
    while runs(orphan) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(orphan)


def test_a_pid_that_has_since_gone_to_another_program_is_left_alone(tmp_path: Path) -> None:
    stranger = start(SLEEPER, environment={})
    try:
        home = Home(tmp_path)
        home.folder.mkdir(exist_ok=True)
        (tmp_path / "processes.json").write_text(f"[[{stranger.pid}, {stranger.started_at - 100}]]")
        with home.hold():
            assert stranger.is_alive()
    finally:
        stranger.kill()


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_secrets_are_for_their_owner_alone_and_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "one"
    first = secret(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret(path) == first
    assert len(first) >= 32
    assert secret(tmp_path / "secrets" / "two") != first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--ports-from", "80"], "a port from 1024 to 65000"),
        (["run", "--clock-start", "2020-05-04T08:00:00"], "give it with its offset"),
        ([], "required"),
    ],
)
def test_a_wrong_option_says_what_is_right(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("content", [None, "[[agency]]\nid = 'police'\n", "not toml"])
def test_an_agencies_file_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "agencies.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CannotStart, match=r"cannot be used: .*Mend the file"):
        Stack(tmp_path / "home", agencies=file)


def test_instants_with_a_z_are_understood() -> None:
    assert datetime.fromisoformat("2020-05-04T08:00:00Z").utcoffset() is not None
