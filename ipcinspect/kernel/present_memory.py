"""A few bytes of a process's memory, of pages that are in its page table: no page is made or fetched by looking.

What a thread that sleeps in a call gave to it (the list of poll(2), the word of a futex) the kernel has just read, so
its pages are there as a rule. process_vm_readv(2) alone would bring others in, from a dead file server perhaps.
"""

from __future__ import annotations

import ctypes
import os
import struct

from ipcinspect.kernel import procfs

PAGE = os.sysconf("SC_PAGESIZE")
_MOST_BYTES = 1 << 16
_ENTRY_BYTES = 8
_PRESENT, _OF_FILE = 1 << 63, 1 << 61

_readv = ctypes.CDLL(None, use_errno=True).process_vm_readv
_readv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
_readv.restype = ctypes.c_ssize_t


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class PresentMemory:
    """That of one process, by its directory descriptor, which stays the caller's."""

    def __init__(self, process: int, tid: int, readable: bool) -> None:
        """`tid`: a thread of it that is there, which its first one need not be.

        `readable`: whether that number means the same thread to system calls (/proc of our own pid namespace).
        """
        self._process = process
        self._tid = tid
        self._readable = readable
        self._pages: int | None = None

    def close(self) -> None:
        """Let go of the page table."""
        if self._pages is not None:
            os.close(self._pages)
            self._pages = None

    def read(self, address: int, size: int) -> bytes:
        """The bytes from an address on, as far as their pages are there; none where the kernel refuses."""
        if not self._readable or not 0 < size <= _MOST_BYTES:
            return b""
        try:
            size = min(size, self._present_bytes(address, size))
            data = _copied(self._tid, address, size) if size > 0 else b""
            procfs.read_at_once(
                self._process, f"task/{self._tid}/comm", 64
            )  # fails where that number is another's by now
            return data
        except OSError:
            return b""

    def is_own(self, address: int) -> bool:
        """Whether a byte lies in a page that no other process has: of no file, and of no memory that is shared.

        The kernel asks the same of the word of a futex (get_futex_key), whatever the call says of it.
        """
        try:
            (entry,) = self._entries(address, 1) or (0,)
        except OSError:
            return False
        return bool(entry & _PRESENT) and not entry & _OF_FILE

    def _present_bytes(self, address: int, size: int) -> int:
        """How many bytes from an address on lie in pages that are there."""
        end = address // PAGE * PAGE
        for entry in self._entries(address, size):
            if not entry & _PRESENT:
                break
            end += PAGE
        return end - address

    def _entries(self, address: int, size: int) -> list[int]:
        """What the page table says of the pages of some bytes (proc_pid_pagemap(5)). Raises OSError."""
        if not 0 < address < (1 << 63) - size:
            return []
        if self._pages is None:
            path = f"task/{self._tid}/pagemap"
            self._pages = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._process)
        first, last = address // PAGE, (address + size - 1) // PAGE
        entries = os.pread(self._pages, (last - first + 1) * _ENTRY_BYTES, first * _ENTRY_BYTES)
        whole = len(entries) // _ENTRY_BYTES * _ENTRY_BYTES
        return [entry for (entry,) in struct.iter_unpack("=Q", entries[:whole])]


def _copied(tid: int, address: int, size: int) -> bytes:
    buffer = ctypes.create_string_buffer(size)
    ours, theirs = _Vector(ctypes.addressof(buffer), size), _Vector(address, size)
    count = int(_readv(tid, ctypes.addressof(ours), 1, ctypes.addressof(theirs), 1, 0))
    return buffer.raw[: max(count, 0)]
