"""Netlink and packet sockets on this kernel."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ipcinspect.kernel import netlink, netlink_diag, packet_diag
from ipcinspect.kernel.errors import Unsupported
from tests.live.conftest import Start
from tests.live.subjects import channel_at, channels_at, ends, field, inode, look

ME = os.getpid()
ROUTE, USERSOCK, UEVENT = 0, 2, 15
ALL_FRAMES = socket.htons(3)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def bound(stack: ExitStack, protocol: int, groups: int = 0) -> socket.socket:
    """A netlink socket with an address that the kernel chose."""
    made = stack.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))
    made.bind((0, groups))
    return made


def test_a_socket_that_talks_to_the_kernel_has_the_kernel_at_its_other_end(opened: ExitStack) -> None:
    ours = bound(opened, ROUTE, 0b101)
    channel = channel_at(look(), "netlink", inode(ours.fileno()))
    assert ends(channel, "both") == {(ME, ours.fileno()), (None, None)}
    assert [end.address for end in channel.endpoints if end.process is None] == ["kernel"]
    assert channel.name == f"route:{ours.getsockname()[0]}"
    assert (field(channel, "protocol"), field(channel, "groups")) == ("route", "1 3")
    assert (channel.state, channel.queued_bytes) == ("idle", 0)


def test_the_sockets_of_the_kernel_are_no_channels() -> None:
    assert not [one for one in look().channels if one.mechanism == "netlink" and field(one, "portid") == 0]


def test_the_socket_that_asks_is_not_in_the_answer() -> None:
    with netlink.open_diag_socket() as diag:
        rows = netlink_diag.read_netlink_sockets(diag, None)
        assert inode(diag.fileno()) not in {row.ino for row in rows}


def test_a_port_id_is_no_holder(start: Start) -> None:
    """Anybody may call himself by the pid of another."""
    subject = start(
        "s = socket.socket(16, socket.SOCK_RAW, 0); s.bind((ARGS[0], 0)); say(ino(s), s.fileno()); stay()",
        os.getppid(),
    )
    number, fd = subject.said
    channel = channel_at(look(), "netlink", number)
    assert field(channel, "portid") == os.getppid()
    assert ends(channel, "both") == {(subject.pid, fd), (None, None)}


def test_a_receiver_has_its_senders_and_what_waits_is_memory_not_bytes(opened: ExitStack) -> None:
    receiver, sender = bound(opened, USERSOCK), bound(opened, USERSOCK)
    sender.connect((receiver.getsockname()[0], 0))
    sender.send(b"hello")
    channel = channel_at(look(), "netlink", inode(receiver.fileno()))
    assert ends(channel, "reader") == {(ME, receiver.fileno())}
    assert ends(channel, "writer") == {(ME, sender.fileno())}
    assert (channel.state, channel.queued_bytes) == ("holding", None)
    assert (channel.queues[0].memory_bytes or 0) > len(b"hello")
    assert receiver.recv(100) == b"hello"
    assert channel_at(look(), "netlink", inode(receiver.fileno())).state == "idle"


def test_two_sockets_connected_to_each_other_are_one_channel(opened: ExitStack) -> None:
    one, other = bound(opened, USERSOCK), bound(opened, USERSOCK)
    one.connect((other.getsockname()[0], 0))
    other.connect((one.getsockname()[0], 0))
    seen = look()
    (channel,) = channels_at(seen, "netlink", inode(one.fileno()))
    assert channels_at(seen, "netlink", inode(other.fileno())) == [channel]
    assert ends(channel, "both") == {(ME, one.fileno()), (ME, other.fileno())}


def test_a_socket_that_is_not_bound_yet_is_there_and_unknown(opened: ExitStack) -> None:
    fresh = opened.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE))
    channel = channel_at(look(), "netlink", inode(fresh.fileno()))
    assert (channel.state, channel.queued_bytes) == ("unknown", None)


def test_what_did_not_fit_is_counted(root: None, opened: ExitStack) -> None:
    receiver = bound(opened, USERSOCK, 1)
    sender = bound(opened, USERSOCK)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError):  # there is no kernel socket that would take the unicast part
            sender.sendto(b"x" * 512, (0, 1))
    assert field(channel_at(look(), "netlink", inode(receiver.fileno())), "drops") > 0


def packet_socket(stack: ExitStack, protocol: int) -> socket.socket:
    """A packet socket; skips where this user may make none."""
    try:
        return stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, protocol))
    except PermissionError:
        pytest.skip("packet sockets need CAP_NET_RAW")


def test_a_packet_socket_tells_its_interface_and_protocol(opened: ExitStack) -> None:
    everywhere, on_loopback = packet_socket(opened, ALL_FRAMES), packet_socket(opened, 0)
    on_loopback.bind(("lo", 0x0800))
    seen = look()
    channel = channel_at(seen, "packet", inode(everywhere.fileno()))
    assert (channel.name, field(channel, "interface"), field(channel, "running")) == ("all@every", "every", True)
    channel = channel_at(seen, "packet", inode(on_loopback.fileno()))
    assert (channel.name, field(channel, "interface_index")) == ("ip@lo", socket.if_nametoindex("lo"))
    assert ends(channel) == {(ME, on_loopback.fileno()), (None, None)}


def test_a_packet_socket_that_takes_nothing_is_open_to_nobody_but_its_holders(opened: ExitStack) -> None:
    made = [packet_socket(opened, protocol) for protocol in (ALL_FRAMES, 0)]
    seen = look()
    channels = [channel_at(seen, "packet", inode(each.fileno())) for each in made]
    assert [channel.exposure.reach for channel in channels if channel.exposure] == ["network", "holders"]


def test_frames_that_wait_are_memory(opened: ExitStack) -> None:
    frames = packet_socket(opened, ALL_FRAMES)
    frames.bind(("lo", 3))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x" * 100, ("127.0.0.1", 9))
    channel = channel_at(look(), "packet", inode(frames.fileno()))
    assert (channel.state, channel.queued_bytes) == ("holding", None)
    assert (channel.queues[0].memory_bytes or 0) > 100


def test_an_interface_has_its_name_in_its_own_namespace(root: None, start: Start) -> None:
    subject = start(
        """
checked(LIBC.unshare(0x40000000))
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8923, struct.pack("16s16s", b"lo", ARGS[0].encode()))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); s.bind((ARGS[0], 3))
n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15); n.bind((0, 1))
say(ino(s), ino(n), os.stat("/proc/self/ns/net").st_ino)
stay()
""",
        "\x1b[31mred",
    )
    packet, uevents, namespace = subject.said
    seen = look()
    channel = channel_at(seen, "packet", packet)
    assert (field(channel, "interface"), channel.namespaces.net) == ("\x1b[31mred", namespace)
    assert channel_at(seen, "netlink", uevents).namespaces.net == namespace


def test_without_the_families_the_text_tables_tell_the_rest(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(diag: socket.socket, netns: int | None) -> list[object]:
        raise Unsupported("sock_diag")

    monkeypatch.setattr(netlink_diag, "read_netlink_sockets", refuse)
    monkeypatch.setattr(packet_diag, "read_packet_sockets", refuse)
    ours = bound(opened, UEVENT, 1)
    seen = look()
    channel = channel_at(seen, "netlink", inode(ours.fileno()))
    assert (field(channel, "groups"), field(channel, "peer_portid")) == ("1", None)
    assert channel.state in ("idle", "holding"), "a device may have come meanwhile"
    assert {"peers and queues of netlink sockets by sock_diag", "peers and queues of packet sockets by sock_diag"} <= {
        gap.what for gap in seen.gaps
    }


def test_the_tables_agree_with_proc(opened: ExitStack) -> None:
    bound(opened, ROUTE)
    bound(opened, UEVENT, 1)
    mine = {inode(fd) for fd in map(int, os.listdir("/proc/self/fd")) if is_socket(fd)}
    told = {end.inode for one in look().channels if one.mechanism == "netlink" for end in one.endpoints} & mine
    rows = (line.split() for line in Path("/proc/net/netlink").read_text().splitlines()[1:])
    assert told == {int(row[9]) for row in rows if int(row[2])} & mine != set()


def test_the_tables_agree_with_ss(opened: ExitStack) -> None:
    ours = bound(opened, UEVENT, 1)
    port = ours.getsockname()[0]
    try:
        answer = subprocess.run(["ss", "-n", "-a", "-f", "netlink"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("ss is not installed")
    assert any(line.split()[3].endswith(f":{port}") for line in answer.splitlines()[1:])
    assert field(channel_at(look(), "netlink", inode(ours.fileno())), "portid") == port


def is_socket(fd: int) -> bool:
    """Whether a descriptor of ours is open and a socket."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    except OSError:
        return False
