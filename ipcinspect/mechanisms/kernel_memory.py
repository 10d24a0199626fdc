"""Which file systems are those that the kernel mounted for itself: the memory without a user's file.

System V segments, memory files and shared anonymous memory lie in one tmpfs (shm_mnt), those of huge pages in one
hugetlbfs for each page size. Their names in maps and links prove nothing: whoever has a user namespace can mount a
tmpfs of his own, put a file `SYSV00005151` at its root, give it any inode number, and unmount it again so that it
stands in no mount table. What he cannot have is the device number: no two live file systems have the same, and the
kernel keeps its own from boot to shutdown. So the device alone decides, and it is learned in one of three ways:

- Linux 5.3 and later mount shm_mnt before everything else (mnt_init, fs/namespace.c). Anonymous devices are numbered
  from 0:1 upwards (get_anon_bdev, fs/super.c), hence it is 0:1, and nobody can ever get that number.
- Huge pages: from a private mapping of our own (`kernel.huge_pages`). Where none may be made (RLIMIT_AS, seccomp(2)),
  such memory is told as a mapped file.
- Kernels before 5.3 gave the tmpfs a number that only its files show. There a device is believed that is anonymous,
  stands in no mount table that we may read, and is the only one left: all memory of the kernel's own lies in one.
  Where several are left, somebody forges, and none is believed (`doubtful`). That is weaker: a forger who has
  unmounted his file system is believed while nobody visible has real memory of these kinds.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cached_property
from typing import Callable

from ipcinspect.kernel import huge_pages

NAMES = ("/SYSV", "/memfd:", "/dev/zero (deleted)", "/anon_hugepage (deleted)")
"""How the texts begin by which the kernel calls such memory."""
_SHM_FIRST = (5, 3)
_FIRST = os.makedev(0, 1)


class KernelMemory:
    """What is known of one machine; each device is judged once."""

    def __init__(
        self,
        root: str,
        kernel: tuple[int, int],
        mounted: Callable[[], Collection[int]],
        claimed: Callable[[], Collection[int]] | None = None,
    ) -> None:
        """`mounted`: the devices in all mount tables; `claimed`: those of everything that is called so.

        Without `claimed` an old kernel's device is judged by itself.
        """
        self._root = root
        self._numbers_it_first = kernel >= _SHM_FIRST
        self._mounted = mounted
        self._claimed = claimed

    def has(self, device: int) -> bool:
        """Whether it is a file system that the kernel mounted for itself to keep memory in."""
        if self._numbers_it_first:
            return device == _FIRST or device in self._of_huge_pages
        return device in self._of_huge_pages or device in self._left_over(device)

    @property
    def doubtful(self) -> Collection[int]:
        """On an old kernel: devices of which at most one is the kernel's, and nothing tells which."""
        return () if self._numbers_it_first or len(self._left) < 2 else self._left

    @cached_property
    def _of_huge_pages(self) -> frozenset[int]:
        return huge_pages.own_devices(self._root)

    def _left_over(self, device: int) -> Collection[int]:
        if self._claimed is None:
            return self._unmounted((device,))
        return self._left if len(self._left) == 1 else ()

    @cached_property
    def _left(self) -> frozenset[int]:
        return self._unmounted(self._claimed() if self._claimed is not None else ())

    def _unmounted(self, devices: Collection[int]) -> frozenset[int]:
        anonymous = {device for device in devices if os.major(device) == 0} - self._of_huge_pages
        return frozenset(anonymous - self._devices_mounted) if anonymous else frozenset()

    @cached_property
    def _devices_mounted(self) -> frozenset[int]:
        return frozenset(self._mounted())
