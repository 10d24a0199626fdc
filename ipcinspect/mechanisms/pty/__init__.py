"""Pseudo-terminals (pty(7), pts(4), ioctl_tty(2)).

A slave is a file of a devpts file system, of which a machine may have several (containers), each with a number 0.
A master is a descriptor of a multiplexer: fdinfo tells its number (`tty-index`); its instance is the device that the
multiplexer is on, or what is mounted on `pts` beside it, by the mount table that has the descriptor's mount. What is
behind /dev/tty only the descriptor itself tells. When the last master is closed the slaves are hung up for good: their
file loses its name, and the number stays theirs until the last of them is closed, too.

How much is readable at each side and whether a write would block, a borrowed descriptor tells. In line mode only whole
lines are readable; from 4095 bytes on the kernel does not say how many there are. Nothing can look inside: reading a
terminal takes the input. A master whose instance is not certain is not shown as an end, but counted as a gap.
"""

from __future__ import annotations

import os
import tty

from ipcinspect.mechanisms.demo_descriptors import DescriptorEnd
from ipcinspect.mechanisms.demo_part import Making
from ipcinspect.mechanisms.peeking import cannot
from ipcinspect.mechanisms.pty.channels import channels
from ipcinspect.mechanisms.pty.fields import FIELDS, NAME
from ipcinspect.mechanisms.pty.terminals import Terminals
from ipcinspect.mechanisms.room import Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan

__all__ = ["DEMO", "FIELDS", "NAME", "NEEDS_ALL_DESCRIPTORS", "TELLS", "WAITS", "collect", "peek"]

TELLS = Tells("descriptors", "bytes", None, ("data exchange",), "mount")

NEEDS_ALL_DESCRIPTORS = True

WAITS = (
    Wait("read", "slave", "master", "empty"),
    Wait("read", "master", "slave", "empty"),
    Wait("write", "slave", "master", "full"),
    Wait("write", "master", "slave", "full"),
)

peek = cannot


def collect(scan: Scan) -> Collected:
    """Every pseudo-terminal of which a visible process holds an end."""
    terminals = Terminals(scan)
    return Collected(channels(scan, terminals), terminals.gaps())


def _make(making: Making) -> Handover:
    """A terminal that passes bytes on as they are. Raises OSError."""
    master, slave = making.calls("openpty", (), os.openpty, list)
    making.calls("tcsetattr", (slave, "raw"), lambda: tty.setraw(slave), lambda attributes: 0)
    return Handover((), (master,), (), (slave,))


DEMO = Demo(
    variants=("raw",),
    create=_make,
    sender=DescriptorEnd,
    receiver=DescriptorEnd,
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    responses=("same", "second"),
    nonblocking=True,
)
