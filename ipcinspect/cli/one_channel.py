"""The argument CHANNEL of commands about one channel: what may be typed, and which channel it means."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ipcinspect.cli.complaints import Complaint, Unable, Usage, complain
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.absence import explain_channel
from ipcinspect.selection.addresses import clients_of, find

CHANNEL_HELP = """\
CHANNEL is whatever you have at hand:
  1234/5                   a descriptor of a process
  pipe:[123] socket:[77]   what /proc/PID/fd says, either end of a socket
  /run/docker.sock ./fifo  a path of a socket, FIFO or mapped file
  @abstract                an abstract socket name
  tcp:127.0.0.1:5432       a local or remote address; a listener comes first
  sysv-msg:7               a System V id; sysv-msg:0x5151 is a key
  posix-mq:/jobs mq:/jobs  a POSIX message queue
  eventfd:[12]             its eventfd-id in /proc/PID/fdinfo
  /dev/pts/3               the file of a pseudo-terminal
  posix-shm:/x shm:/x      POSIX shared memory, also /dev/shm/x
  posix-sem:/x             a named semaphore
  memfd:[77]               a memory file, as maps and descriptors number it
  file-lock:/var/db        a locked file, who holds the lock and who waits
  mmap:/srv/data           MECHANISM:NAME in general
Objects of another IPC namespace end in @ipc:[N], of another mount namespace in @mnt:[N].
"""
_CANDIDATES_TOLD = 20


def add_channel(parser: argparse.ArgumentParser) -> None:
    """The argument itself."""
    parser.add_argument("channel", metavar="CHANNEL", help="its id, a descriptor, a path, an address, a name")


def one_channel(text: str, snapshot: Snapshot, directory: str, with_contents: bool = False) -> Channel:
    """The channel meant. Raises Usage where it is none or several, Unable where it is hidden.

    `with_contents`: of a name that a listener has, the connections that came in through it are meant, if any.
    """
    found = find(text, snapshot, directory)
    if with_contents and len(found) == 1 and text not in (found[0].id, *found[0].aliases):
        found = clients_of(found[0], snapshot) or found
    if len(found) == 1:
        return found[0]
    if found:
        raise Usage(_ambiguity(text, found))
    absence = explain_channel(text, snapshot)
    problem: type[Complaint] = Unable if absence.hidden else Usage
    raise problem(absence.sentence)


def _ambiguity(text: str, found: Sequence[Channel]) -> str:
    """One line that names the candidates by ids that each fit one of them."""
    for channel in found[:_CANDIDATES_TOLD]:
        complain(f"'{text}' may be {channel.id} ({channel.mechanism}, {channel.state}, {channel.name or 'no name'})")
    return f"'{text}' fits {len(found)} channels: say which"
