"""`ipcinspect ps`: what processes hold, and who is at the other end."""

from __future__ import annotations

import json
from dataclasses import replace

from ipcinspect.cli.ps_command import _sheets
from ipcinspect.cli.terminal import TerminalStyle
from ipcinspect.export.holdings import holdings
from ipcinspect.model.process import Descriptor
from tests.cli.machine import machine
from tests.cli.running import Runner
from tests.fakes import FakeSource, pipe, process, snapshot

HEAD = ["PID", "PROCESS", "FD", "ROLE", "KIND", "NAME", "STATE", "FILL", "QUEUED", "OTHER END"]


def test_every_descriptor_of_a_process_is_there_also_what_is_no_channel(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "ps", "2211")
    assert ran.rows == [
        HEAD,
        ["2211", "make", "0", "reader", "pipe", "pipe:[99]", "idle", "0%", "0", "tee 2212/1"],
        ["2211", "make", "1", "writer", "pipe", "pipe:[123]", "full", "100%", "65536", "tee 2212/0"],
        ["2211", "make", "4", "-", "file", "/src/Makefile", "-", "-", "-", "-"],
        ["2211", "make", "5", "client", "unix", "/run/app.sock", "holding", "?", "1000", "nginx 4402/9"],
    ]


def test_without_a_pid_the_channels_of_all(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "ps")
    assert [row[0] for row in ran.rows[1:]] == ["2211"] * 3 + ["2212"] * 3 + ["4402"] * 3
    assert ["4402", "nginx", "7", "server", "tcp", "10.0.0.1:80", "idle", "?", "0", "10.0.0.9:5555"] in ran.rows


def test_on_a_terminal_what_is_no_channel_is_told_where_it_has_no_state() -> None:
    rows = (Descriptor(4, "file", "/src/Makefile"), Descriptor(6, "epoll", "anon_inode:[eventpoll]", None, "watches 3"))
    whole = snapshot([pipe(1, process(2211, "make"), process(2212, "tee"))])
    style = TerminalStyle(80, False, False)
    held = holdings(replace(whole, descriptors={2211: (*whole.descriptors[2211], *rows)}), [2211])
    lines = [line.rstrip() for line in "".join(style.lines(_sheets(held, whole, style, False))).splitlines()]
    assert lines[-2:] == [" 4 -         file  /src/Makefile", " 6 -         epoll watches 3"]


def test_several_processes_stand_in_the_order_asked_for(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "ps", "4402", "2211", "4402")
    assert list(dict.fromkeys(row[0] for row in ran.rows[1:])) == ["4402", "2211"]


def test_json_has_processes_and_their_channels(run_with: Runner) -> None:
    told = json.loads(run_with(FakeSource(machine()), "ps", "--json", "2211").out)
    (one,) = told["processes"]
    assert (one["pid"], one["comm"], one["user"], one["container"]) == (2211, "make", "ana", "docker:1f2e")
    assert [row["fd"] for row in one["descriptors"]] == [0, 1, 4, 5]
    assert {channel["id"] for channel in told["channels"]} == {"pipe:[99]", "pipe:[123]", "socket:[81]"}


def test_a_kernel_thread_holds_nothing_and_that_is_no_error(run_with: Runner) -> None:
    thread = process(2, "kthreadd", kernel_thread=True, readable=False, uid=0)
    ran = run_with(FakeSource(snapshot([], [thread])), "ps", "2")
    assert (ran.code, ran.rows) == (0, [HEAD])
