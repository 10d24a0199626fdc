"""Who talks to a daemon over its path socket: every client, from every network namespace, with its container."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from ipcinspect.cli import run
from ipcinspect.cli.show_command import sheets_of
from ipcinspect.cli.terminal import TerminalStyle
from ipcinspect.kernel import procfs
from ipcinspect.selection.addresses import find
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import Subject, look

SERVES = """
listener = socket.socket(socket.AF_UNIX); listener.bind(ARGS[0]); listener.listen(9); os.chmod(ARGS[0], 0o660)
say(ino(listener))
served = []
while True: order(); served.append(listener.accept()); say(len(served))
"""
CONNECTS = """
checked(LIBC.unshare(0x40000000))
client = socket.socket(socket.AF_UNIX); client.connect(ARGS[0])
say(ino(client))
stay()
"""
CGROUPS = (
    b"0::/system.slice/docker-" + b"1f" * 32 + b".scope\n",
    b"0::/system.slice/backup.service\n",
    b"0::/machine.slice/libpod-" + b"2e" * 32 + b".scope/container\n",
)
CONTAINERS = ("docker:1f1f1f1f1f1f", "systemd:backup.service", "podman:2e2e2e2e2e2e")


class Daemon:
    """A server, two clients that it accepted, and one that waits; each client in a network namespace of its own."""

    def __init__(self, start: Start, path: str) -> None:
        self.server = start(SERVES, path)
        self.clients: list[Subject] = []
        for place in range(3):
            self.clients.append(start(CONNECTS, path))
            if place < 2:
                self.server.ask()


@pytest.fixture
def path(directory: Path) -> str:
    """Where the daemon listens."""
    return str(directory / "docker.sock")


@pytest.fixture
def daemon(root: None, start: Start, path: str, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """With cgroups as engines and systemd make them: this machine has none of these."""
    made = Daemon(start, path)
    told = {client.pid: text for client, text in zip(made.clients, CGROUPS, strict=True)}
    monkeypatch.setattr(procfs, "read_file", with_cgroups(told, procfs.read_file))
    return made


def with_cgroups(told: dict[int, bytes], read: Callable[..., bytes]) -> Callable[..., bytes]:
    """Reading of /proc in which some processes have other cgroups."""

    def read_file(process: int, name: str, *limit: int) -> bytes:
        text = read(process, name, *limit)
        return told.get(int(read(process, "stat").split()[0]), text) if name == "cgroup" else text

    return read_file


def sections(text: str) -> dict[str, list[dict[str, str]]]:
    """The tables of plain output by their titles."""
    found = {}
    for part in text.split("\n\n")[1:]:
        title, head, *rows = part.splitlines()
        found[title] = [dict(zip(head.split("\t"), row.split("\t"), strict=False)) for row in rows]
    return found


def test_show_names_every_client_with_its_container(
    daemon: Daemon, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", path], LiveSource) == 0
    told = sections(capfd.readouterr().out)
    waiting = [row for row in told["ENDS"] if row["ROLE"] == "client"]
    accepted = told["CONNECTIONS"]
    assert [(row["PID"], row["CONTAINER"]) for row in waiting] == [(str(daemon.clients[2].pid), CONTAINERS[2])]
    assert {(row["PID"], row["CONTAINER"]) for row in accepted} == {
        (str(client.pid), container) for client, container in zip(daemon.clients[:2], CONTAINERS[:2], strict=True)
    }


def test_the_same_as_json_with_who_may_connect(daemon: Daemon, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--json", path], LiveSource) == 0
    listener, *pairs = json.loads(capfd.readouterr().out)["channels"]
    assert listener["exposure"] == {
        "reach": "group", "owner_uid": 0, "owner": "root", "mode": "0660", "world_writable": False
    }  # fmt: skip
    ends = [end for pair in pairs for end in pair["endpoints"]]
    assert {end["container"] for end in ends if end["role"] == "client"} == set(CONTAINERS[:2])
    assert {end["pid"] for end in ends if end["role"] == "server"} == {daemon.server.pid}


def test_it_fits_a_terminal_of_80_cells_and_keeps_who_and_what(daemon: Daemon, path: str) -> None:
    seen = look()
    (channel,) = find(path, seen)
    lines = list(TerminalStyle(80, False, False).lines(sheets_of(channel, seen, None, TerminalStyle(80, False, False))))
    assert [line for line in lines if cell_len(line.rstrip("\n")) > 80] == []
    text = "".join(lines)
    for client, container in zip(daemon.clients, CONTAINERS, strict=True):
        assert any(str(client.pid) in line and container in line for line in text.splitlines())
