"""`why` and `check`: who waits for whom, in sentences and as JSON, with the exit codes that scripts ask for."""

from __future__ import annotations

import json

import pytest

from ipcinspect.diagnosis.rules import RULES
from ipcinspect.model.wait import Awaited
from tests.cli.running import Runner
from tests.diagnosis.builders import look, reads, thread, wait, writes
from tests.diagnosis.test_rules import closing
from tests.fakes import HOSTILE_NAMES, FakeSource, channel, endpoint, pipe, process

MAKE, TEE, LESS = process(2211, "make"), process(2212, "tee"), process(2213, "less")
FORTH, BACK = pipe(1, MAKE, TEE, "full", 65536), pipe(2, TEE, MAKE, "full", 65536)
TERMINAL = channel(3, "pty", "idle", [endpoint("b", "slave", LESS, 0)], name="/dev/pts/3", queued=None)
CIRCLE = look([FORTH, BACK], [writes(MAKE, FORTH, 1), writes(TEE, BACK, 1)])
PAGER = look(
    [FORTH, pipe(2, TEE, LESS, "full", 65536), TERMINAL],
    [writes(MAKE, FORTH, 1), writes(TEE, pipe(2, TEE, LESS), 1), reads(LESS, TERMINAL, 0)],
)
CALM = look([pipe(1, MAKE, TEE)], [reads(TEE, pipe(1, MAKE, TEE), 0)])


def test_what_is_stuck_is_told_with_whom_and_ends_in_1(run_with: Runner) -> None:
    ran = run_with(FakeSource(CIRCLE), "why")
    assert ran.code == 1
    assert "make 2211 and tee 2212 wait for each other" in " ".join(ran.out.split())
    assert "writes to pipe:[1], which is full with 64.0K of 64.0K" in " ".join(ran.out.split())
    assert "Remedy" in ran.out


def test_nothing_stuck_is_one_line_and_ends_in_0(run_with: Runner) -> None:
    ran = run_with(FakeSource(CALM), "why")
    assert ran.code == 0
    assert ran.out == "nothing is stuck: 1 threads sleep in calls, and none is known to wait in vain\n"


def test_a_chain_goes_down_to_its_root(run_with: Runner) -> None:
    ran = run_with(FakeSource(PAGER), "why", "2211")
    said = " ".join(ran.out.split())
    assert ran.code == 0
    assert "make 2211 writes to pipe:[1], which is full with 64.0K of 64.0K, until tee 2212 reads;" in said
    assert "tee 2212 writes to pipe:[2], which is full with 64.0K of 64.0K, until less 2213 reads;" in said
    assert said.endswith("less 2213 reads from /dev/pts/3, which has nothing for it; waits for a key at /dev/pts/3.")


def test_a_circle_is_closed_with_the_name_of_its_first(run_with: Runner) -> None:
    ran = run_with(FakeSource(CIRCLE), "why", "2212")
    assert ran.code == 1
    assert "that closes the circle with tee 2212." in " ".join(ran.out.split())


def test_of_many_threads_a_few_are_told_and_the_others_counted(run_with: Runner) -> None:
    pipes = [pipe(number, TEE, MAKE) for number in range(1, 101)]
    many = look(pipes, [reads(MAKE, one, 0, 2211 + number) for number, one in enumerate(pipes)], others=[TEE])
    out = run_with(FakeSource(many), "why", "2211").out
    assert out.count("reads from pipe:[") == 16
    assert "84 more waits of its threads" in out
    document = json.loads(run_with(FakeSource(many), "why", "2211", "--json").out)
    assert len(document["findings"]) == 100


def test_an_event_loop_at_rest_is_no_finding_of_a_process_that_is_asked_for(run_with: Runner) -> None:
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", MAKE, 4), endpoint("b", "reader", MAKE, 3)])
    rest = look([own], [wait(thread(MAKE), "epoll_wait", Awaited("data", 3, own.key))])
    assert run_with(FakeSource(rest), "why", "2211").code == 0
    (finding,) = json.loads(run_with(FakeSource(rest), "why", "2211", "--json").out)["findings"]
    assert finding["severity"] == "info"


def test_a_pid_that_is_not_there_is_one_line(run_with: Runner) -> None:
    ran = run_with(FakeSource(CIRCLE), "why", "77")
    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_findings_as_json_have_what_the_schema_promises(run_with: Runner) -> None:
    ran = run_with(FakeSource(CIRCLE), "check", "--json")
    assert ran.code == 1
    document = json.loads(ran.out)
    assert document["schema"] == "ipcinspect/1"
    (finding,) = document["findings"]
    assert finding["rule"] == "deadlock"
    assert finding["severity"] == "error"
    assert finding["certainty"] == "exact"
    assert finding["channels"] == ["pipe:[1]", "pipe:[2]"]
    assert {(one["pid"], one["tid"], one["comm"]) for one in finding["processes"]} == {
        (2211, 2211, "make"),
        (2212, 2212, "tee"),
    }
    assert all(one["fact"] and one["source"] for one in finding["evidence"])
    assert finding["caveats"] == []


def test_a_chain_as_json_is_a_finding_too(run_with: Runner) -> None:
    document = json.loads(run_with(FakeSource(PAGER), "why", "2211", "--json").out)
    (finding,) = document["findings"]
    assert finding["rule"] == "wait-chain"
    assert [one["pid"] for one in finding["processes"]] == [2211, 2212, 2213]


def test_check_is_silent_below_the_severity_asked_for(run_with: Runner) -> None:
    lost = look([pipe(9, MAKE, None, "no-reader", 0)], [])
    assert run_with(FakeSource(lost), "check").code == 0
    ran = run_with(FakeSource(lost), "check", "--severity", "info")
    assert ran.code == 1
    assert "nobody reads pipe:[9] any more" in ran.out


def test_nothing_wrong_says_how_many_rules_looked(run_with: Runner) -> None:
    ran = run_with(FakeSource(CALM), "check")
    assert ran.code == 0
    assert ran.out.startswith(f"nothing is wrong: {len(RULES)} rules looked at 1 channels")


@pytest.mark.parametrize("rule", [rule.ID for rule in RULES])
def test_each_rule_can_be_explained(run_with: Runner, rule: str) -> None:
    ran = run_with(FakeSource(CALM), "check", "--explain", rule)
    assert ran.code == 0
    assert ran.out.startswith(f"{rule}, ")
    assert all(label in ran.out for label in ("Means", "Seen by", "Remedy"))


def test_a_threshold_of_the_command_line_goes_before_the_rule_s_own(run_with: Runner) -> None:
    pile = look(closing(4), [])
    assert run_with(FakeSource(pile), "check").code == 0
    ran = run_with(FakeSource(pile), "check", "--threshold", "close-wait-pile=4")
    assert ran.code == 1
    assert "has not closed 4 connections" in " ".join(ran.out.split())


@pytest.mark.parametrize("words", ["close-wait=4", "deadlock=4", "close-wait-pile", "close-wait-pile=-1"])
def test_a_threshold_that_cannot_be_is_one_line(run_with: Runner, words: str) -> None:
    ran = run_with(FakeSource(CALM), "check", "--threshold", words)
    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_a_rule_that_is_none_names_the_nearest(run_with: Runner) -> None:
    ran = run_with(FakeSource(CALM), "check", "--explain", "deadlok")
    assert ran.code == 2
    assert "deadlock" in ran.err


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_stay_text(run_with: Runner, name: str) -> None:
    one, other = process(1, name), process(2, name)
    there, back = pipe(1, one, other, "full"), pipe(2, other, one, "full")
    circle = look([there, back], [writes(one, there, 1), writes(other, back, 1, None)])
    for words in (("why",), ("check",), ("why", "1")):
        out = run_with(FakeSource(circle), *words).out
        assert all(character.isprintable() or character == "\n" for character in out), words


def test_a_lock_and_a_child_have_sentences_of_their_own(run_with: Runner) -> None:
    waits = [
        wait(thread(MAKE), "wait4", Awaited("child", processes=(TEE.key,))),
        wait(thread(TEE), "futex", Awaited("lock", owner=thread(MAKE), how="mutex")),
    ]
    said = " ".join(run_with(FakeSource(look([], waits, [MAKE, TEE])), "why").out.split())
    assert "make 2211 waits for its child tee 2212 to end" in said
    assert "tee 2212 wants a mutex" in said
    assert "until make 2211 gives it back" in said


def test_a_scenario_that_is_none_names_the_nearest(run_with: Runner) -> None:
    ran = run_with(FakeSource(CALM), "demo", "--broken", "dedlock")
    assert ran.code == 2
    assert "nearest is 'deadlock'" in ran.err
