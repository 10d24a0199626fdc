"""Who else may take part in channels of this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ipcinspect.kernel.cached_path import CachedPaths
from ipcinspect.model.channel import Channel, Exposure
from tests.live.conftest import Start
from tests.live.subjects import channel_at, inode, look

UID = os.geteuid()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def listener(stack: ExitStack, family: int, address: object) -> socket.socket:
    """A listening socket of ours."""
    made = stack.enter_context(socket.socket(family))
    made.bind(address)
    made.listen()
    return made


def of(thing: socket.socket | int, mechanism: str = "unix") -> Exposure:
    """What a look tells."""
    exposure = channel_at(look(), mechanism, inode(thing if isinstance(thing, int) else thing.fileno())).exposure
    assert exposure is not None
    return exposure


@pytest.mark.parametrize(
    ("mode", "reach"), [(0o600, "owner"), (0o660, "group"), (0o666, "everybody"), (0o444, "owner")]
)
def test_a_socket_with_a_path_has_the_permission_of_its_file(
    opened: ExitStack, directory: Path, mode: int, reach: str
) -> None:
    path = directory / "socket"
    ours = listener(opened, socket.AF_UNIX, str(path))
    path.chmod(mode)
    assert of(ours) == Exposure(reach, UID, mode)
    assert of(ours).world_writable == bool(mode & 2)


def test_a_path_that_means_another_socket_by_now_is_not_asked(opened: ExitStack, directory: Path) -> None:
    path = directory / "socket"
    ours = listener(opened, socket.AF_UNIX, str(path))
    path.unlink()
    assert of(ours) == Exposure("unknown", UID)
    listener(opened, socket.AF_UNIX, str(path))
    path.chmod(0o666)
    assert of(ours) == Exposure("unknown", UID)


def test_a_path_that_is_now_a_link_is_not_followed(opened: ExitStack, directory: Path) -> None:
    path = directory / "socket"
    ours = listener(opened, socket.AF_UNIX, str(path))
    path.rename(directory / "moved")
    path.symlink_to(directory / "moved")
    assert of(ours).reach == "unknown"


def test_an_abstract_socket_is_open_to_its_network_namespace(opened: ExitStack) -> None:
    assert of(listener(opened, socket.AF_UNIX, f"\0ipci-{os.urandom(6).hex()}")) == Exposure("host", UID)


def test_a_connected_pair_is_open_to_nobody_else(opened: ExitStack, directory: Path) -> None:
    one, other = socket.socketpair()
    opened.enter_context(one)
    opened.enter_context(other)
    assert of(one).reach == "holders"
    path = str(directory / "socket")
    server = listener(opened, socket.AF_UNIX, path)
    client = opened.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(path)
    opened.enter_context(server.accept()[0])
    assert of(client).reach == "holders"


@pytest.mark.parametrize(("host", "reach"), [("127.0.0.1", "host"), ("127.0.0.9", "host"), ("0.0.0.0", "network")])
def test_a_listener_is_open_as_far_as_its_address(opened: ExitStack, host: str, reach: str) -> None:
    assert of(listener(opened, socket.AF_INET, (host, 0)), "tcp").reach == reach
    receiver = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind((host, 0))
    assert of(receiver, "udp").reach == reach


def test_a_pipe_has_its_maker_and_its_holders() -> None:
    ends = os.pipe()
    try:
        assert of(ends[0], "pipe") == Exposure("holders", UID)
    finally:
        for fd in ends:
            os.close(fd)


def test_a_fifo_has_its_mode_until_its_name_is_gone(directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    path.chmod(0o622)
    fd = os.open(path, os.O_RDWR)
    try:
        assert of(fd, "fifo") == Exposure("everybody", UID, 0o622)
        path.unlink()
        assert of(fd, "fifo").reach == "holders"
    finally:
        os.close(fd)


def test_the_socket_of_another_mount_namespace_is_not_taken_for_one_of_ours(
    root: None, start: Start, directory: Path, opened: ExitStack
) -> None:
    """Both are called the same; theirs lies on a file system of its own."""
    path = directory / "socket"
    ours = listener(opened, socket.AF_UNIX, str(path))
    path.chmod(0o666)
    theirs = start(
        """
checked(LIBC.unshare(0x00020000))
checked(LIBC.mount(b"none", b"/", None, 0x44000, None))
checked(LIBC.mount(b"tmpfs", ARGS[0].encode(), b"tmpfs", 0, None))
s = socket.socket(socket.AF_UNIX); s.bind(ARGS[0] + "/socket"); s.listen(); os.chmod(ARGS[0] + "/socket", 0o600)
say(ino(s))
stay()
""",
        str(directory),
    )
    seen = look()
    assert _exposure(channel_at(seen, "unix", theirs.said[0])).reach == "unknown"
    assert _exposure(channel_at(seen, "unix", inode(ours.fileno()))) == Exposure("everybody", UID, 0o666)


def _exposure(channel: Channel) -> Exposure:
    assert channel.exposure is not None
    return channel.exposure


def test_a_file_is_asked_only_as_far_as_the_kernel_has_it_in_memory(directory: Path) -> None:
    path = directory / "file"
    path.write_text("x")
    asked = CachedPaths()
    told = asked.facts(os.fsencode(path))
    assert told is None or told.inode == path.stat().st_ino
    open_now = len(os.listdir("/proc/self/fd"))
    for odd in (b"", b"relative", b"/nonexistent/at/all", b"/a\0b", b"/" + b"x" * 5000):
        assert asked.facts(odd) is None
    assert len(os.listdir("/proc/self/fd")) == open_now
