"""Whether the kernel's interfaces answer this process at all, by asking about ourselves.

Nothing is made in order to look: a duplicate of a pidfd of our own, a byte of our own memory, a comparison of a
descriptor with itself, dumps of socket tables.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from ipcinspect.kernel import netlink_diag, packet_diag, same_file
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.libc import LIBC, close, last_error, pidfd_getfd
from ipcinspect.kernel.netlink import Interrupted, open_diag_socket
from ipcinspect.kernel.privileges import Rights, read_rights, root_if_it_helps
from ipcinspect.kernel.sighting import Sighting
from ipcinspect.kernel.unix_diag import read_unix_sockets

_CAP_SYS_ADMIN, _CAP_CHECKPOINT_RESTORE = 21, 40


def sightings(root: str) -> list[Sighting]:
    """All answers."""
    rights = read_rights(root)
    return [
        *_sock_diag(),
        _pidfd_getfd(),
        _process_vm_readv(),
        _kcmp(),
        _map_files(root, rights),
        _system_v(root),
    ]


def _sock_diag() -> list[Sighting]:
    tables: tuple[tuple[str, Callable[[socket.socket, int | None], list[object]], str], ...] = (
        ("unix", lambda diag, netns: list(read_unix_sockets(diag, netns)), "neither peers nor queues"),
        ("netlink", lambda diag, netns: list(netlink_diag.read_netlink_sockets(diag, netns)), "no groups nor memory"),
        ("packet", lambda diag, netns: list(packet_diag.read_packet_sockets(diag, netns)), "no fanout nor memory"),
    )
    return [_table(*table) for table in tables]


def _table(name: str, read: Callable[[socket.socket, int | None], list[object]], lack: str) -> Sighting:
    subject = "sock_diag" if name == "unix" else f"{name}_diag"
    try:
        with open_diag_socket() as diag:
            count = len(read(diag, None))
    except Interrupted:
        return Sighting(subject, "yes", f"peers and queues of {name} sockets are told", None)
    except KernelError as error:
        return Sighting(subject, "no", f"{error}: {name} sockets have {lack}", f"sudo modprobe {name}_diag")
    return Sighting(subject, "yes", f"{name} sockets are told whole ({count} here)", None)


def _pidfd_getfd() -> Sighting:
    """About the very pidfd that it goes through."""
    try:
        with _own_pidfd() as pidfd:
            close(pidfd_getfd(pidfd, pidfd))
    except OSError as error:
        detail = f"{error.strerror}: how full pipes are, and what is in pipes and sockets, is not told"
        return Sighting("pidfd_getfd", "no", detail, None)
    return Sighting("pidfd_getfd", "yes", "how full pipes are can be asked where a process may be looked into", None)


@contextmanager
def _own_pidfd() -> Iterator[int]:
    pidfd = os.pidfd_open(os.getpid())
    try:
        yield pidfd
    finally:
        os.close(pidfd)


class _Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _process_vm_readv() -> Sighting:
    """A byte of our own."""
    here, there = ctypes.create_string_buffer(b"x"), ctypes.create_string_buffer(1)
    from_piece, to_piece = _Piece(ctypes.addressof(here), 1), _Piece(ctypes.addressof(there), 1)
    answer = LIBC.process_vm_readv(os.getpid(), ctypes.byref(to_piece), 1, ctypes.byref(from_piece), 1, 0)
    if answer != 1:
        reason = last_error("process_vm_readv").strerror
        return Sighting("process_vm_readv", "no", f"{reason}: contents of shared memory are not told", None)
    return Sighting("process_vm_readv", "yes", "memory can be copied where a process may be looked into", None)


def _kcmp() -> Sighting:
    """A descriptor of ours with itself."""
    try:
        with _own_pidfd() as pidfd:
            answers = same_file.order(os.getpid(), pidfd, os.getpid(), pidfd) == 0
    except OSError:
        answers = False
    if not answers:
        detail = "not answered: which descriptors are one open file, and what an epoll watches, is told less often"
        return Sighting("kcmp", "no", detail, None)
    return Sighting("kcmp", "yes", "descriptors can be compared where a process may be looked into", None)


def _map_files(root: str, rights: Rights) -> Sighting:
    try:
        os.listdir(f"{root}/self/map_files")
    except OSError as error:
        return Sighting("map_files", "no", f"{error.strerror}: shared memory is read through its holders alone", None)
    if rights.capabilities >> _CAP_SYS_ADMIN & 1 or rights.capabilities >> _CAP_CHECKPOINT_RESTORE & 1:
        return Sighting("map_files", "yes", "shared memory can be read without touching its holders' pages", None)
    detail = "needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE: shared memory is read through its holders alone"
    return Sighting("map_files", "no", detail, root_if_it_helps(rights))


def _system_v(root: str) -> Sighting:
    try:
        with open(f"{root}/sysvipc/shm", "rb", buffering=0) as table:
            table.read(1)
    except FileNotFoundError:
        return Sighting("System V IPC", "no", "this kernel has no /proc/sysvipc", None)
    except OSError as error:
        return Sighting("System V IPC", "no", f"/proc/sysvipc: {error.strerror}", None)
    return Sighting("System V IPC", "yes", "every user may list queues, semaphores and segments", None)
