"""Readers of /proc/PID/fdinfo, each with a real text."""

from __future__ import annotations

from collections.abc import Callable

from ipcinspect.kernel import anon_info, ring_requests

FDINFO = b"pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t1039\n"
RING = b"SqMask:\t0x7\nSqHead:\t0\nSqTail:\t1\nCqMask:\t0xf\nCqHead:\t0\nCqTail:\t3\n"


def parse_watched(text: bytes) -> object:
    """The first of what an epoll watches."""
    return anon_info.parse_epoll(text, 16)


FDINFO_PARSERS: list[tuple[str, Callable[[bytes], object], bytes]] = [
    *(
        (f"fdinfo/{parser.__name__}", parser, sample)
        for parser, sample in (
            (anon_info.parse_values, FDINFO),
            (
                anon_info.parse_eventfd,
                FDINFO + b"eventfd-count:               2a\neventfd-id: 7\neventfd-semaphore: 1\n",
            ),
            (parse_watched, FDINFO + b"tfd:  3 events: 80000019 data:  3  pos:0 ino:40f sdev:10\n" * 2),
            (anon_info.parse_timer, FDINFO + b"clockid: 1\nticks: 0\nit_value: (5, 499962950)\nit_interval: (2, 0)\n"),
            (anon_info.parse_signal_set, FDINFO + b"sigmask:\t0000001000004000\n"),
            (anon_info.parse_pid, FDINFO + b"Pid:\t-1\nNSpid:\t-1\n"),
            (anon_info.parse_inotify, FDINFO + b"inotify wd:1 ino:3f7e8 sdev:fe00000 mask:fff ignored_mask:0\n"),
            (anon_info.parse_fanotify, FDINFO + b"fanotify flags:0 event-flags:8000\nfanotify ino:4f sdev:fe mask:3\n"),
            (anon_info.parse_ring, FDINFO + RING),
            (
                ring_requests.parse_requests,
                FDINFO + RING + b"PollList:\n  op=6, task_works=0\n  op=22, task_works=1\nCqOverflowList:\n",
            ),
            (anon_info.parse_tty_index, FDINFO + b"tty-index:\t0\n"),
        )
    ),
]
