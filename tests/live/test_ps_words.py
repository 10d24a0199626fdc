"""`ps` of a real process: what descriptors are about, and its signals, as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.live.conftest import Start
from tests.live.test_disturbs_nobody import ROOT


def test_the_document_tells_what_a_descriptor_is_about_and_the_signals_by_name(start: Start) -> None:
    subject = start(
        """
libc = ctypes.CDLL(None)
libc.prctl(15, b"\\x1b[31mred", 0, 0, 0)
fd = os.pidfd_open(os.getpid()); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), 10)
say(os.getpid(), fd); stay()
"""
    )
    pid, fd = subject.said
    command = [sys.executable, "-m", "ipcinspect", "ps", str(pid)]
    document = json.loads(subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, check=True).stdout)
    (process,) = document["processes"]
    assert (process["signals"]["pending"], process["signals"]["blocked"]) == (["SIGUSR1"], ["SIGUSR1"])
    row = next(row for row in process["descriptors"] if row["fd"] == fd)
    assert (row["kind"], row["points_to"], row["channel"]) == ("pidfd", f"\x1b[31mred {pid}", None)
    text = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert b"\x1b" not in text
    assert f"\\x1b[31mred {pid}".encode() in text
