"""What is not possible is one line before anything is created, which says what would be."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from ipcinspect.demo import limits
from ipcinspect.demo.checking import PlanError, check
from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms import MECHANISMS, futex, pipe, posix_mq, sysv_msg, sysv_sem, sysv_shm, udp, unix
from ipcinspect.mechanisms.room import Room

WITH_DEMO = [room for room in MECHANISMS if room.DEMO is not None]


@pytest.mark.parametrize("room", WITH_DEMO, ids=lambda room: room.NAME)
def test_the_usual_plan_of_every_mechanism_is_possible_and_complete(room: Room) -> None:
    assert room.DEMO is not None
    for variant in room.DEMO.variants:
        for form in ("json", "struct", "raw"):
            plan = check(Plan(room.NAME, variant, format=form), room)
            assert plan.variant == variant
            assert plan.notification in room.DEMO.notifications
            assert plan.response in room.DEMO.responses
            assert (plan.lock is None) == (not room.DEMO.locks)


@pytest.mark.parametrize(
    ("room", "changes", "named"),
    [
        (futex, {}, "futex has no demo"),
        (pipe, {"variant": "stream"}, r"pipe has no variant 'stream' \(possible: pipe, packet\)"),
        (pipe, {"format": "xml"}, r"no format 'xml' \(possible: json, struct, raw\)"),
        (pipe, {"byte_order": "middle"}, r"no byte order 'middle' \(possible: little, big\)"),
        (pipe, {"notification": "mq_notify"}, r"pipe has no notification 'mq_notify' \(possible: .*read"),
        (pipe, {"response": "third"}, r"pipe has no response 'third' \(possible: .*second"),
        (pipe, {"lock": "futex"}, r"pipe has no lock 'futex' \(it has none\)"),
        (pipe, {"fault": "fire"}, r"pipe has no fault 'fire'"),
        (sysv_shm, {"blocking": False}, "sysv-shm cannot be non-blocking"),
        (pipe, {"size": 0}, "size of 0 bytes is not possible: 1 or more"),
        (pipe, {"size": -5}, "size of -5 bytes is not possible"),
        (pipe, {"size": 1 << 40}, "a demo sends at most 16777216"),
        (pipe, {"size": 20}, "size of 20 bytes is too small: json needs 35"),
        (pipe, {"size": 9, "format": "struct"}, "too small: struct needs 10"),
        (
            pipe,
            {"variant": "packet", "size": 4097},
            r"too big for pipe packet: 4096 at most \(a packet has at most PIPE_BUF",
        ),
        (pipe, {"variant": "packet", "messages": 18}, r"18 messages .* do not fit .*: 17 at most \(each packet"),
        (pipe, {"size": 65536, "messages": 3}, r"3 messages of 65536 bytes do not fit .* pipe: 2 at most \(a pipe"),
        (udp, {"size": 65508, "variant": "ipv4"}, "65507 at most"),
        (unix, {"size": 300000, "variant": "dgram", "messages": 1}, "net.core.wmem_default"),
        (unix, {"variant": "dgram", "messages": 12}, "net.unix.max_dgram_qlen"),
        (sysv_sem, {"messages": 0}, "0 messages are not possible: 1 to 1000"),
        (sysv_sem, {"messages": 1001}, "1001 messages are not possible"),
        (pipe, {"rate": 0.0}, "rate of 0 messages a second is not possible"),
        (pipe, {"rate": -1.0}, "rate of -1 messages"),
        (pipe, {"rate": float("nan")}, "rate of nan"),
        (pipe, {"reading_s": -0.1}, "reading time of -0.1 s is not possible"),
        (pipe, {"reading_s": float("nan")}, "reading time of nan s"),
        (sysv_shm, {"size": 16 << 20, "messages": 1}, "16777084 at most .a demo takes at most 16777216"),
        (sysv_shm, {"size": 4 << 20, "messages": 6}, "4 at most .a demo takes at most 16777216 bytes of memory"),
    ],
)
def test_what_is_not_possible_is_said(room: ModuleType, changes: dict[str, object], named: str) -> None:
    with pytest.raises(PlanError, match=named) as raised:
        check(Plan(room.NAME)._replace(**changes), room)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_the_limits_of_queues_are_read_where_they_stand(tmp_path: Path) -> None:
    for name, number in {
        "kernel/msgmax": 100,
        "kernel/msgmnb": 250,
        "fs/mqueue/msgsize_max": 90,
        "fs/mqueue/msg_max": 3,
    }.items():
        file = tmp_path / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number}\n")
    root = str(tmp_path)
    with pytest.raises(PlanError, match=r"too big for sysv-msg queue: 100 at most \(kernel.msgmax\)"):
        check(Plan("sysv-msg", size=101), sysv_msg, root)
    (tmp_path / "sys" / "kernel" / "msgmnb").write_text("50\n")
    with pytest.raises(PlanError, match=r"too big for sysv-msg queue: 50 at most \(kernel.msgmnb\)"):
        check(Plan("sysv-msg", size=51), sysv_msg, root)
    (tmp_path / "sys" / "kernel" / "msgmnb").write_text("250\n")
    with pytest.raises(PlanError, match=r"4 messages of 100 bytes .*: 3 at most \(kernel.msgmnb gives a queue 250"):
        check(Plan("sysv-msg", size=100), sysv_msg, root)
    with pytest.raises(PlanError, match=r"too big for posix-mq queue: 90 at most \(fs.mqueue.msgsize_max\)"):
        check(Plan("posix-mq", size=91), posix_mq, root)
    with pytest.raises(PlanError, match=r"5 messages .*: 4 at most \(fs.mqueue.msg_max is 3\)"):
        check(Plan("posix-mq", messages=5), posix_mq, root)


@pytest.mark.parametrize("size", [1, 3000, 4096, 4097, 5000, 65536])
def test_what_is_said_of_a_pipe_is_what_it_takes(size: int) -> None:
    import os

    reader, writer = os.pipe2(os.O_NONBLOCK)
    try:
        taken = 0
        while taken <= 65536:
            try:
                if os.write(writer, bytes(size)) < size:
                    break
            except BlockingIOError:
                break
            taken += 1
    finally:
        os.close(reader)
        os.close(writer)
    assert taken == limits.pipe_holds(size)
