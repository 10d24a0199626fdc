"""A file server in user space that a test can stop: a directory with a file, by the protocol of /dev/fuse (fuse(4)).

`python file_server.py MOUNT-POINT` mounts, says `ready` and serves until it is unmounted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys

FILE = "file"
PAGES = 2

_REQUEST = struct.Struct("=IIQQIIII")
_ANSWER = struct.Struct("=IiQ")
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _RELEASE, _FLUSH = 1, 2, 3, 14, 15, 18, 25
_INIT, _OPENDIR, _RELEASEDIR, _ACCESS, _INTERRUPT = 26, 27, 29, 34, 36
_FOR_GOOD_S = 3600
_MS_NOSUID_NODEV = 6


def main() -> None:
    """Mount and serve."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"ipcinspect-test", sys.argv[1].encode(), b"fuse", _MS_NOSUID_NODEV, options) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("ready", flush=True)
    try:
        while True:
            answer(device, os.read(device, 1 << 20))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def answer(device: int, request: bytes) -> None:
    """One request, and what the kernel gets for it."""
    _, opcode, unique, node, *_ = _REQUEST.unpack_from(request)
    body = request[_REQUEST.size :]
    if opcode in (_FORGET, _INTERRUPT):
        return
    error, payload = 0, b""
    if opcode == _INIT:
        read_ahead = struct.unpack_from("=III", body)[2]
        payload = struct.pack("=IIIIHHI40x", 7, 31, read_ahead, 0, 10, 10, 65536)
    elif opcode == _LOOKUP and body.rstrip(b"\0") == FILE.encode():
        payload = struct.pack("=QQQQII", 2, 1, _FOR_GOOD_S, _FOR_GOOD_S, 0, 0) + attributes(2)
    elif opcode == _GETATTR:
        payload = struct.pack("=QII", _FOR_GOOD_S, 0, 0) + attributes(node)
    elif opcode in (_OPEN, _OPENDIR):
        payload = struct.pack("=QII", 1, 0, 0)
    elif opcode == _READ:
        offset, size = struct.unpack_from("=8xQI", body)
        payload = b"x" * max(0, min(size, PAGES * 4096 - offset))
    elif opcode not in (_RELEASE, _RELEASEDIR, _FLUSH, _ACCESS):
        error = -errno.ENOENT if opcode == _LOOKUP else -errno.ENOSYS
    try:
        os.write(device, _ANSWER.pack(_ANSWER.size + len(payload), error, unique) + payload)
    except OSError as refusal:
        if refusal.errno != errno.ENOENT:  # who asked has gone
            raise


def attributes(node: int) -> bytes:
    """struct fuse_attr of the directory (1) or the file (2)."""
    mode = stat.S_IFDIR | 0o755 if node == 1 else stat.S_IFREG | 0o666
    return struct.pack("=QQQ36x7I", node, PAGES * 4096, PAGES * 8, mode, 1, 0, 0, 0, 4096, 0)


if __name__ == "__main__":
    main()
