"""Whatever is wrong is one line that names it and the nearest valid word, and exit code 2 or 3."""

from __future__ import annotations

import pytest

from tests.cli.machine import machine
from tests.cli.running import Runner
from tests.fakes import FakeSource


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("lst", "unknown command 'lst', nearest is 'list'"),
        ("doktor", "unknown command 'doktor', nearest is 'doctor'"),
        ("list --jsn", "unknown option '--jsn', nearest is '--json'"),
        ("--jsn list", "unknown option '--jsn', nearest is '--json'"),
        ("doctor x", "too many arguments: 'x'"),
        ("list kind:pip", "unknown mechanism 'pip', nearest is 'pipe'"),
        ("list knd:pipe", "unknown filter 'knd:', nearest is 'kind:'"),
        ("list queued:+1X", "queued:+1X"),
        ("list --columns id,sate", "unknown column 'sate', nearest is 'state'"),
        ("list --columns", "--columns"),
        ("list --json --columns id", "--columns has no meaning with --json"),
        ("list --sort nam", "unknown order 'nam', nearest is 'name'"),
        ("list idle:+5m", "needs --watch"),
        ("list --interval 0", "0.1 to 3600"),
        ("list --interval soon", "not a number of seconds: 'soon'"),
        ("list --interval nan", "0.1 to 3600"),
        ("ps 2213", "no process 2213, nearest is 221"),
        ("ps abc", "not a process id: 'abc'"),
        ("show", "CHANNEL"),
        ("show pipe:[124]", "no channel 'pipe:[124]', nearest is 'pipe:[123]'"),
        ("show /run/ap.sock", "nearest is '/run/app.sock'"),
        ("show 2211/4", "descriptor 4 of make 2211 is not open or is no channel, nearest is 2211/5"),
        ("--json", "--json needs a command"),
        ("--print-completion bsh", "unknown shell 'bsh', nearest is 'bash'"),
    ],
)
def test_usage(run_with: Runner, words: str, named: str) -> None:
    ran = run_with(FakeSource(machine()), *words.split())
    assert named in ran.err
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("ipcinspect: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("start", ["", "ps ", "list pid:", "list queued:+", "show ", "show 1/", "list --sort "])
def test_an_endless_number_is_a_short_complaint(run_with: Runner, start: str) -> None:
    ran = run_with(FakeSource(machine()), *(start + "9" * 5000).split())
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert len(ran.err) < 400


@pytest.mark.parametrize("words", ["show 790/3", "ps 790"])
def test_what_is_there_but_hidden_is_code_3_and_why(run_with: Runner, words: str) -> None:
    ran = run_with(FakeSource(machine()), *words.split())
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "ipcinspect: the descriptors of sshd 790 are hidden: it belongs to root, run as root\n"


@pytest.mark.parametrize("words", ["", "2211"])
def test_the_screen_needs_a_terminal(run_with: Runner, words: str) -> None:
    ran = run_with(FakeSource(machine()), *words.split())
    assert ran.code == 3
    assert "needs a terminal" in ran.err


def test_an_address_that_fits_several_names_the_candidates(run_with: Runner) -> None:
    ran = run_with(FakeSource(machine()), "show", "2212/8")
    assert ran.code == 0
    twins = FakeSource(_twins())
    ran = run_with(twins, "show", "10.0.0.1:80")
    assert (ran.code, ran.out) == (2, "")
    assert [line.split(" ")[4] for line in ran.err.splitlines()[:-1]] == ["socket:[91]", "socket:[92]"]
    assert "fits 2 channels" in ran.err


def test_hostile_arguments_are_made_visible(run_with: Runner) -> None:
    for words in (["\x1b[31mx"], ["list", "kind:\x1b[31m"], ["show", "\x1b]0;x\x07\udcff"], ["list", "--\x1b[1m"]):
        ran = run_with(FakeSource(machine()), *words)
        assert ran.code == 2
        assert ran.err.rstrip("\n").isprintable()


@pytest.mark.parametrize("words", ["--help", "list --help", "show --help", "ps -h", "doctor -h", "--version"])
def test_help_is_output_not_a_complaint(run_with: Runner, words: str) -> None:
    ran = run_with(FakeSource(machine()), *words.split())
    assert (ran.code, ran.err) == (0, "")
    assert "ipcinspect" in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands_and_their_options(run_with: Runner, shell: str) -> None:
    ran = run_with(FakeSource(machine()), "--print-completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert all(word in ran.out for word in ("doctor", "watch", "columns", "no-color"))


def _twins() -> object:
    from dataclasses import replace

    from tests.cli.machine import REMOTE

    whole = machine()
    other = REMOTE._replace(id="socket:[92]", key=REMOTE.key._replace(number=92))
    return replace(whole, channels=(*whole.channels, other))
