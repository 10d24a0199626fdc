"""The /dev/shm of other mount namespaces: equal names and inodes, shared ones, dead ones."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.live import file_server
from tests.live.conftest import Start
from tests.live.memory import MAPS, SHM, at, only, peeked
from tests.live.subjects import ends, field, look

OTHER_NAMESPACE = """
LIBC.mount(b"none", b"/", None, 0x4000 | 0x40000, None)
checked(LIBC.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, None))
fd = os.open("/dev/shm/" + ARGS[0], os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(fd, 4096); os.pwrite(fd, ARGS[1].encode(), 0)
file = os.fstat(fd)
mapped = mmap.mmap(fd, 4096); os.close(fd)
say(os.getpid(), os.stat("/proc/self/ns/mnt").st_ino, file.st_dev, file.st_ino)
stay()
"""


def test_objects_of_equal_name_and_inode_in_two_mount_namespaces_are_two_channels(
    root: None, start: Start, shm_name: str
) -> None:
    one = start(OTHER_NAMESPACE, shm_name, "one", command=["unshare", "-m"])
    two = start(OTHER_NAMESPACE, shm_name, "two", command=["unshare", "-m"])
    seen = look()
    told = []
    for subject, text in ((one, b"one"), (two, b"two")):
        pid, namespace, device, inode = subject.said
        channel = only(seen, "posix-shm", lambda channel: channel.key[1:3] == (device, inode))  # noqa: B023
        assert {holder for holder, _ in ends(channel)} == {pid}
        assert channel.id == f"posix-shm:/{shm_name}@mnt:[{namespace}]"
        assert field(channel, "mount_namespace") == namespace
        assert peeked(channel).pieces[0].data[:3] == text
        told.append(channel)
    assert one.said[3] == two.said[3], "the same inode number"
    assert told[0].key != told[1].key


def test_a_shared_tmpfs_seen_from_two_mount_namespaces_is_one_place(root: None, start: Start, shm_name: str) -> None:
    (SHM / shm_name).write_bytes(bytes(4096))
    holder = start(MAPS, str(SHM / shm_name), command=["unshare", "-m"])
    seen = look()
    channel = at(seen, "posix-shm", SHM / shm_name)
    assert (channel.id, {pid for pid, _ in ends(channel)}) == (f"posix-shm:/{shm_name}", {holder.pid})


def test_a_dead_file_server_at_dev_shm_of_another_namespace_is_not_asked(
    root: None, start: Start, directory: Path
) -> None:
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    subject = start(
        """
import subprocess
LIBC.mount(b"none", b"/", None, 0x4000 | 0x40000, None)
server = subprocess.Popen([sys.executable, ARGS[0], ARGS[1]], stdout=subprocess.PIPE)
assert server.stdout.readline() == b"ready\\n"
server.send_signal(signal.SIGSTOP)
say(os.stat("/proc/self/ns/mnt").st_ino)
try: stay()
finally:
    server.send_signal(signal.SIGCONT); LIBC.umount2(ARGS[1].encode(), 2); server.kill(); server.wait()
""",
        file_server.__file__,
        "/dev",
        command=["unshare", "-m"],
    )
    (namespace,) = subject.said
    begun = time.monotonic()
    seen = look()
    assert time.monotonic() - begun < 10
    gaps = [gap for gap in seen.gaps if str(namespace) in gap.what]
    assert [(gap.why) for gap in gaps] == ["unsupported"]
