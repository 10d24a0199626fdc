"""What rooms need to look inside a channel: its holders, borrowed for the length of one call, and its namespace.

Only on request, and by the rule that nobody notices: contents are copied, never taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ipcinspect.kernel import procfs
from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import Unsupported, Vanished
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process


class Peeking:
    """The surroundings of one request."""

    def __init__(self, root: str, pids_agree: bool, ipc: IpcNamespaces, most: int) -> None:
        self.root = root
        self.ipc = ipc
        """To ask inside the channel's IPC namespace."""
        self.most = most
        """Bytes to copy at most."""
        self._pids_agree = pids_agree

    @contextmanager
    def lender(self, process: Process) -> Iterator[Lender]:
        """A process whose descriptors can be asked. Raises Vanished where its pid means another by now, Denied, ..."""
        if not self._pids_agree:
            raise Unsupported("pidfd_open in another pid namespace")
        lender = Lender(self.root, process.pid)
        try:
            self.confirm(process)  # after the pidfd is open, the pid cannot be given to another behind our back
            yield lender
        finally:
            lender.close()

    def confirm(self, process: Process) -> None:
        """Raises Vanished where the pid means another process by now."""
        try:
            procfs.read_of(self.root, process.pid, process.starttime, "stat")
        except OSError as error:
            raise Vanished(f"process {process.pid}") from error


def cannot(peeking: Peeking, channel: Channel) -> Contents:
    """The `peek` of a mechanism that no call can look into. Raises Unsupported."""
    raise Unsupported(f"no system call reads a {channel.mechanism} without consuming")
