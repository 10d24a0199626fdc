"""Whether a socket gives up by itself: SO_RCVTIMEO and SO_SNDTIMEO of other processes' sockets (socket(7))."""

from __future__ import annotations

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import KernelError


class SocketLimits:
    """Asks each process's sockets through one hold of the process."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._lenders: dict[int, Lender | None] = {}

    def has_one(self, pid: int, fd: int, inode: int) -> bool | None:
        """Whether a receive or a send on it ends after a time; None where it cannot be asked."""
        lender = self._lender(pid)
        if lender is None:
            return None
        try:
            return lender.socket_has_timeout(fd, inode)
        except KernelError:
            return None

    def close(self) -> None:
        """Let go of the processes."""
        for lender in self._lenders.values():
            if lender is not None:
                lender.close()
        self._lenders.clear()

    def _lender(self, pid: int) -> Lender | None:
        if pid not in self._lenders:
            try:
                self._lenders[pid] = Lender(self._root, pid)
            except KernelError:
                self._lenders[pid] = None
        return self._lenders[pid]
