"""`ipcinspect list` into a pipe: stable, exact, filtered, in order."""

from __future__ import annotations

import json

import pytest

from ipcinspect.cli.columns import OFFERS
from ipcinspect.cli.session import gap_lines
from ipcinspect.model.gap import Gap
from tests.cli.machine import machine
from tests.cli.running import Runner
from tests.fakes import HOSTILE_NAMES, FakeSource, channel, pipe, process, snapshot

HEAD = ["ID", "KIND", "NAME", "STATE", "FILL", "QUEUED", "MESSAGES", "FROM", "TO"]


def test_one_header_line_then_the_worst_first_with_tabs_between_fields(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "list")
    assert ran.code == 0
    assert ran.rows == [
        HEAD,
        ["pipe:[123]", "pipe", "-", "full", "100%", "65536", "-", "make 2211/1", "tee 2212/0"],
        ["socket:[77]", "unix", "/run/app.sock", "waiting-accept", "?", "-", "1", "tee 2212/8", "nginx 4402/3"],
        ["socket:[81]", "unix", "/run/app.sock", "holding", "?", "1000", "-", "make 2211/5", "nginx 4402/9"],
        ["pipe:[99]", "pipe", "-", "idle", "0%", "0", "-", "tee 2212/1", "make 2211/0"],
        ["socket:[91]", "tcp", "10.0.0.1:80", "idle", "?", "0", "-", "10.0.0.9:5555", "nginx 4402/7"],
    ]


def test_what_is_missing_stands_on_standard_error_with_the_remedy(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "list")
    assert ran.err.splitlines() == [
        "ipcinspect: 1 process hidden: run as root",
        "ipcinspect: not seen: udp (unsupported)",
    ]


def test_an_absent_end_is_told_in_the_words_of_the_screen(run_with: Runner) -> None:
    told = run_with(FakeSource(snapshot([channel(1, "posix-shm", "unknown", queues=())])), "list").rows[1]
    assert told[-2:] == ["(none seen)", "(none seen)"]
    told = run_with(FakeSource(snapshot([channel(1, "posix-shm", "orphaned", queues=())])), "list").rows[1]
    assert told[-2:] == ["(nobody)", "(nobody)"]
    told = run_with(FakeSource(snapshot([channel(1, "sysv-msg", "holding", queued=3)])), "list").rows[1]
    assert told[-2:] == ["(nobody)", "(nobody)"]
    told = run_with(FakeSource(snapshot([pipe(1, None, process(2), "no-writer")])), "list").rows[1]
    assert told[-2] == "(no writer)"


def test_a_hidden_process_that_is_not_among_those_shown_is_told_once() -> None:
    """As under `run`, which leaves it out."""
    whats = ("descriptors of processes", "shared mappings of processes", "namespaces of processes")
    gaps = [Gap(what, "denied", 1) for what in whats]
    seen = snapshot([pipe(1, process(1), process(2))], gaps=gaps)
    assert gap_lines(seen) == ["1 process hidden: run as root"]


def test_nothing_missing_is_silence(run_with: Runner) -> None:
    assert run_with(FakeSource(snapshot([pipe(1, process(1), process(2))])), "list").err == ""


def test_words_choose_and_an_order_sorts(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "list", "kind:pipe", "--sort", "-queued", "not:tcp")
    assert [row[0] for row in ran.rows[1:]] == ["pipe:[99]", "pipe:[123]"]


def test_options_may_stand_anywhere(run_with: Runner) -> None:
    source = FakeSource(machine())
    outs = {
        run_with(source, *words).out
        for words in (
            ("list", "kind:pipe", "--json", "state:full"),
            ("--json", "list", "kind:pipe", "state:full"),
            ("--interval", "2", "list", "--json", "kind:pipe", "state:full"),
        )
    }
    assert len(outs) == 1
    assert [one["id"] for one in json.loads(outs.pop())["channels"]] == ["pipe:[123]"]


def test_every_column_can_be_asked_for_and_has_a_title_or_is_the_wire(run_with: Runner) -> None:
    words = [offer.word for offer in OFFERS]
    ran = run_with(FakeSource(machine()), "list", "--columns", ",".join(words).upper())
    assert ran.code == 0
    assert all(len(row) == len(words) for row in ran.rows)
    assert [offer.word for offer in OFFERS if not offer.column.title] == ["wire"]


def test_chosen_columns_stand_in_the_chosen_order(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "list", "state:full", "--columns=users,containers,holders,id")
    assert ran.rows == [["USERS", "CONTAINERS", "HOLDERS", "ID"], ["ana, www", "docker:1f2e", "2", "pipe:[123]"]]


def test_json_holds_the_gaps_and_says_nothing_on_standard_error(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "list", "--json")
    told = json.loads(ran.out)
    assert told["schema"] == "ipcinspect/1"
    assert len(told["channels"]) == 5
    assert told["gaps"][0] == {"what": "descriptors of processes", "why": "denied", "count": 1}
    assert ran.out.count("\n") == 1
    assert ran.err == ""


def test_a_machine_without_channels_is_a_header_line(run_with: Runner) -> None:
    assert run_with(FakeSource(snapshot()), "list").rows == [HEAD]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_in_its_field(run_with: Runner, name: str) -> None:
    one = pipe(1, process(5, name), process(6, "b"))._replace(name=f"{name}\t|")
    ran = run_with(FakeSource(snapshot([one])), "list")
    assert [len(row) for row in ran.rows] == [len(HEAD)] * 2
    assert ran.out.replace("\n", "").replace("\t", "").isprintable()


def test_the_machine_is_not_asked_for_more_than_a_list_shows(run_with: Runner) -> None:
    source = FakeSource(machine())
    run_with(source, "list")
    assert not any(source.wants[0])


def test_a_machine_that_cannot_be_looked_at_is_one_line_and_code_3(run_with: Runner) -> None:
    ran = run_with(FakeSource(FileNotFoundError(2, "No such file or directory", "/proc")), "list")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.count("\n") == 1


def test_a_fault_of_the_program_is_one_line_and_debug_tells_where(run_with: Runner) -> None:
    source = FakeSource(RuntimeError("no\nway"))
    ran = run_with(source, "list")
    assert ran.code == 3
    assert ran.err == "ipcinspect: fault in the program: RuntimeError('no\\nway') (--debug tells where)\n"
    assert "Traceback" in run_with(source, "list", "--debug").err


def test_debug_tells_what_the_look_cost(run_with: Runner) -> None:
    err = run_with(FakeSource(machine()), "list", "--json", "--debug").err
    assert "last look" in err
    assert "processes" in err
