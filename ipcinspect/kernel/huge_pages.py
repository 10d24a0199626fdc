"""The file systems of huge pages that the kernel mounted for itself (hugetlbfs, one for each page size).

They stand in no mount table. A private mapping of our own learns their device numbers: it is memory of this process
alone, which nobody could share; with MAP_NORESERVE and without any access it takes no huge page and reserves none
(hugetlb_file_setup, fs/hugetlbfs/inode.c), so that it needs neither a privilege nor a configured page.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Collection

from ipcinspect.kernel import maps, procfs
from ipcinspect.kernel.host import own_pid
from ipcinspect.kernel.shared_memory import map_memory, unmap

_NORESERVE, _HUGETLB, _SIZE_SHIFT = 0x4000, 0x40000, 26
_NO_ACCESS = 0
_SIZES = range(14, 35)
"""Powers of two, in bytes: what any machine has, from 16 KiB to 16 GiB (mmap(2), MAP_HUGE_SHIFT)."""


def own_devices(root: str) -> frozenset[int]:
    """Device numbers of those mounts, as far as they can be learned; they stay the same until the next boot."""
    taken: dict[int, int] = {}
    try:
        for size in _SIZES:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE | _HUGETLB | size << _SIZE_SHIFT
            with contextlib.suppress(OSError):  # this machine has no pages of that size
                taken[map_memory(1 << size, _NO_ACCESS, flags)] = 1 << size
        return _devices_at(root, taken.keys()) if taken else frozenset()
    except OSError:
        return frozenset()
    finally:
        for address, size in taken.items():
            unmap(address, size)


def _devices_at(root: str, addresses: Collection[int]) -> frozenset[int]:
    process = procfs.open_process(root, own_pid(root))
    try:
        text = procfs.read_file(process, "maps", maps.LIMIT)
    finally:
        os.close(process)
    found = (maps.parse_device_at(text, address) for address in addresses)
    return frozenset(device for device in found if device is not None)
