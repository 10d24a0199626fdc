"""`ipcinspect show`: everything of one channel."""

from __future__ import annotations

import json

from ipcinspect.model.channel import Queue
from ipcinspect.sources import CameBy, Detail, Details
from tests.cli.machine import ACCEPTED, FULL, machine
from tests.cli.running import Ran, Runner
from tests.fakes import NOON, FakeSource, channel, process, snapshot

CAME = CameBy("parent", process(2209, "sh"), 5)
DETAILS = {
    FULL.key: Details(
        (Detail("Round trip", 250, "microseconds", "tcp_info"),), {(2211, 1): "nonblock cloexec"}, {(2211, 1): CAME}
    )
}


def sections(ran: Ran) -> dict[str, list[list[str]]]:
    """The rows of each part by its title; the first part has none."""
    parts = [part.splitlines() for part in ran.out.split("\n\n")]
    first, *titled = parts
    return {"": [line.split("\t") for line in first]} | {
        lines[0]: [line.split("\t") for line in lines[1:]] for lines in titled
    }


def test_a_pipe_is_told_whole(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine(), details=DETAILS), "show", "pipe:[123]")
    assert ran.code == 0
    told = sections(ran)
    assert ["state", "full"] in told[""]
    assert ["capacity", "65536"] in told[""]
    assert told["QUEUES"][1] == ["b", "65536", "?", "?", "?", "?", "100.0%"]
    assert told["ENDS"] == [
        ["SIDE", "ROLE", "PROCESS", "PID", "FD", "FLAGS", "USER", "CAME BY", "CONTAINER", "INODE", "ADDRESS"],
        [
            "a",
            "writer",
            "make",
            "2211",
            "1",
            "nonblock cloexec",
            "ana",
            "shared with parent sh 2209/5",
            "docker:1f2e",
            "123",
            "-",
        ],
        ["b", "reader", "tee", "2212", "0", "?", "www", "?", "-", "123", "-"],
    ]
    assert told["DETAILS"] == [["Round trip", "250", "tcp_info"]]


def test_a_listener_names_every_client_with_its_container(run_with: Runner) -> None:
    told = sections(run_with(FakeSource(machine()), "show", "/run/app.sock"))
    assert [row[2] for row in told["ENDS"][1:]] == ["tee", "nginx"]
    (row,) = told["CONNECTIONS"][1:]
    assert row[0] == "socket:[81]"
    assert row[3:5] == ["make", "2211"]
    assert row[9] == "docker:1f2e"


def test_an_end_elsewhere_is_its_address(run_with: Runner) -> None:
    told = sections(run_with(FakeSource(machine()), "show", "tcp:10.0.0.9:5555"))
    assert told["ENDS"][1] == ["a", "client", "?", "?", "-", "-", "?", "-", "-", "-", "10.0.0.9:5555"]


def test_json_has_the_channel_its_connections_and_the_details(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine(), details=DETAILS), "show", "--json", "/run/app.sock")
    told = json.loads(ran.out)
    assert [one["id"] for one in told["channels"]] == ["socket:[77]", ACCEPTED.id]
    assert told["details"] is None
    told = json.loads(run_with(FakeSource(machine(), details=DETAILS), "show", "--json", "2211/1").out)
    assert told["details"] == [{"title": "Round trip", "value": 250, "unit": "microseconds", "told_by": "tcp_info"}]
    whom = {"pid": 2209, "starttime": process(2209, "sh").starttime, "comm": "sh", "fd": 5}
    assert told["came_by"] == [{"pid": 2211, "fd": 1, "how": "parent", "with": whom}]
    assert told["descriptor_flags"] == [{"pid": 2211, "fd": 1, "flags": "nonblock cloexec"}]


def test_holders_that_may_hide_are_mentioned(run_with: Runner) -> None:
    assert "1 process hidden: run as root" in run_with(FakeSource(machine()), "show", "pipe:[123]").err


def test_when_it_last_moved_is_told_where_the_kernel_keeps_it(run_with: Runner) -> None:
    used = channel(7, "sysv-msg", id="sysv-msg:7", queues=[Queue("b", 0, 0, written_at=NOON - 60, read_at=NOON - 5)])
    told = sections(run_with(FakeSource(snapshot([used])), "show", "sysv-msg:7"))
    assert ["last moved", "2025-06-15T15:06:35.000Z"] in told[""]
    assert "last moved" not in [row[0] for row in sections(run_with(FakeSource(machine()), "show", "pipe:[123]"))[""]]
