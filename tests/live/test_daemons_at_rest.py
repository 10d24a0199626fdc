"""Daemons as a server has them, with nothing to do: nobody is accused."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.subjects import until
from tests.live.test_without_privilege import NOBODY

LOOKS = 3
NGINX = """
daemon off; worker_processes 2; pid {place}/pid; events {{}}
http {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/f;
uwsgi_temp_path {place}/u; scgi_temp_path {place}/s; server {{ listen unix:{place}/socket; }} }}
"""
NODE = """
const fs = require("fs"), net = require("net");
fs.readFile("/proc/self/stat", () => net.createServer(() => {}).listen(process.argv[1]));
"""


class Daemon(NamedTuple):
    """One that runs."""

    pid: int

    @property
    def processes(self) -> set[int]:
        """It, and all that it has started."""
        return {self.pid, *(child.pid for child in psutil.Process(self.pid).children(recursive=True))}


def _needed(*commands: str) -> list[str]:
    """Where they are; else the test is skipped."""
    beside = os.pathsep.join(("/usr/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))))
    places = [shutil.which(command) or shutil.which(command, path=beside) for command in commands]
    if None in places:
        pytest.skip(f"not installed: {' '.join(commands)}")
    return [str(place) for place in places]


def _nginx(place: Path) -> Sequence[str]:
    (program,) = _needed("nginx")
    (place / "conf").write_text(NGINX.format(place=place))
    return [program, "-p", str(place), "-c", str(place / "conf"), "-e", str(place / "errors")]


def _redis(place: Path) -> Sequence[str]:
    (program,) = _needed("redis-server")
    options = {"port": "0", "unixsocket": str(place / "socket"), "save": "", "dir": str(place)}
    return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def _postgres(place: Path) -> Sequence[str]:
    """It refuses to run as root."""
    initdb, program = _needed("initdb", "postgres")
    command = NOBODY if os.geteuid() == 0 else ()
    data = str(place / "data")
    subprocess.run([*command, initdb, "-D", data, "-A", "trust", "-N"], cwd=place, capture_output=True, check=True)
    (place / "socket").symlink_to(place / ".s.PGSQL.5432")
    return [*command, program, "-D", data, "-k", str(place), "-h", ""]


def _node(place: Path) -> Sequence[str]:
    (program,) = _needed("node")
    return [program, "-e", NODE, str(place / "socket")]


SERVERS = {"nginx": _nginx, "redis": _redis, "postgres": _postgres, "node": _node}


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name, as paths of sockets want, for whichever user."""
    directory = Path(tempfile.mkdtemp(prefix="ipci-"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


def _connected(path: Path) -> socket.socket | None:
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        return None
    return client


def said_of(daemon: Daemon) -> list[Finding]:
    """All that is told of its processes as more than information, over several looks."""
    inspector = Inspector(LiveSource())
    said: list[Finding] = []
    for _ in range(LOOKS):
        mine = daemon.processes
        for finding in inspector.observe(Want(waits=True, limits=True)).findings:
            people = {key.process.pid for key in finding.threads} | {key.pid for key in finding.processes}
            if finding.severity != "info" and people & mine:
                said.append(finding)
    return said


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_with_a_silent_client_is_not_accused(name: str, place: Path) -> None:
    command = SERVERS[name](place)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = None
    try:
        client = until(lambda: _connected(place / "socket"), f"{name} to accept")
        daemon = Daemon(server.pid)
        until(lambda: len(daemon.processes) >= (3 if name in ("nginx", "postgres") else 1), "its workers")
        assert said_of(daemon) == []
    finally:
        if client is not None:
            client.close()
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_a_make_whose_jobs_run_in_makes_below_it_is_not_accused(place: Path) -> None:
    """It waits for its children and for tokens in a pipe of its own, and hears of their end by a signal."""
    (program,) = _needed("make")
    (place / "Makefile").write_text(
        "all: a b c\na b c:\n\t@$(MAKE) -f $(firstword $(MAKEFILE_LIST)) job\njob:\n\t@sleep 1d\n"
    )
    make = subprocess.Popen([program, "-s", "-j2", "-f", str(place / "Makefile")], start_new_session=True)
    try:
        daemon = Daemon(make.pid)
        until(lambda: len(daemon.processes) >= 5, "both jobs")
        assert said_of(daemon) == []
    finally:
        os.killpg(make.pid, signal.SIGKILL)
        make.wait()


def test_shells_in_tmux_are_not_accused(place: Path) -> None:
    (program,) = _needed("tmux")
    tmux = [program, "-S", str(place / "socket"), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "sh"], check=True, env={**os.environ, "TERM": "xterm"})
    try:
        subprocess.run([*tmux, "split-window", "sh -c 'sleep 1d | cat'"], check=True)
        told = subprocess.run([*tmux, "display-message", "-p", "#{pid}"], check=True, capture_output=True).stdout
        daemon = Daemon(int(told))
        until(lambda: len(daemon.processes) >= 4, "the shells")
        assert said_of(daemon) == []
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
