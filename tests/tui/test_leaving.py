"""However the screen ends, the terminal is as before, nothing is left behind, and the exit code tells why."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from tests.fakes import FakeSource
from tests.tui.terminals import ENTERED, LEFT, OnTerminal, screen
from tests.tui.test_demo_screen import is_there
from tests.tui.test_screen import at_screen, world


def started(terminal: OnTerminal) -> OnTerminal:
    terminal.wait_for(b"make 2211/1")
    return terminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_restores_the_terminal_and_gives_its_exit_code(number: signal.Signals) -> None:
    with OnTerminal(screen()) as terminal:
        before = terminal.modes()
        started(terminal)
        assert terminal.modes() != before
        os.kill(terminal.pid, number)
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 128 + number
        assert terminal.output.count(ENTERED) == terminal.output.count(LEFT) == 1
        assert terminal.output.rindex(b"\x1b[?25h") > terminal.output.rindex(b"\x1b[?25l")
        assert terminal.modes() == before


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("\x03", 130)])
def test_keys_that_quit(key: str, code: int) -> None:
    with OnTerminal(screen()) as terminal:
        before = terminal.modes()
        started(terminal).type(key)
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == code
        assert terminal.output.count(LEFT) == 1
        assert terminal.modes() == before


async def test_a_message_that_fades_while_the_screen_is_taken_down_harms_nobody() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("y")
        await user.sees("copied")
        await user.app.query("#keys").remove()
        user.app.hush()


JUNK = (b"\xe9", b"\xff\xfe", b"\x1b[M \xe8(", b"\x1b[1114112u", b"\x1b[999999999999999999999~")
"""A Latin-1 letter, no UTF-8, a mouse report of old, keys beyond all numbers."""


@pytest.mark.parametrize("junk", JUNK)
def test_bytes_that_are_no_key_are_dropped(junk: bytes) -> None:
    """With what is read in one piece with them: hence the key that quits until it does."""
    with OnTerminal(screen()) as terminal:
        started(terminal)
        os.write(terminal.master, junk)
        for _ in range(20):
            terminal.type("q")
            terminal.read_for(0.5)
            if LEFT in terminal.output:
                break
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0
        assert b"Error" not in terminal.output


def test_a_closed_terminal_ends_the_process_soon() -> None:
    with OnTerminal(screen()) as terminal:
        started(terminal).hang_up()
        assert os.waitstatus_to_exitcode(terminal.wait_for_end(5)) == 128 + signal.SIGHUP


def test_a_look_that_hangs_does_not_keep_the_process() -> None:
    hang = "import time\nlooks = iter((True,))\nsource._before_look = lambda: next(looks, False) or time.sleep(1000)"
    with OnTerminal(screen(hang)) as terminal:
        before = terminal.modes()
        started(terminal).type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end(10)) == 0
        assert terminal.output.count(LEFT) == 1
        assert terminal.modes() == before


def test_a_fault_of_the_program_restores_the_terminal() -> None:
    broken = (
        "from ipcinspect.tui.ipc_app import IpcApp\n"
        "def fail(self): raise RuntimeError('on purpose')\n"
        "IpcApp.action_help = fail"
    )
    with OnTerminal(screen(broken)) as terminal:
        before = terminal.modes()
        started(terminal).type("?")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 1
        assert terminal.output.count(LEFT) == 1
        assert b"on purpose" in terminal.output
        assert terminal.modes() == before


SHELL = """
import os, signal, sys, termios
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-c", {code!r}])
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpid())
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    print("STOPPED" if termios.tcgetattr(0)[3] & termios.ECHO else "STOPPED WITHOUT ECHO", flush=True)
    if sys.stdin.readline().strip() == "bg":
        os.kill(child, signal.SIGCONT)
        os.waitpid(child, os.WUNTRACED)
        print("STOPPED AGAIN", flush=True)
        sys.stdin.readline()
    os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)
"""


@pytest.mark.parametrize("how", ["key", "signal"])
def test_stopped_for_the_shell_and_continued(how: str) -> None:
    with OnTerminal(SHELL.format(code=screen())) as terminal:
        started(terminal)
        if how == "key":
            terminal.type("\x1a")
        else:
            os.kill(os.tcgetpgrp(terminal.master), signal.SIGTSTP)
        terminal.wait_for(b"STOPPED\r\n")
        assert terminal.output.count(LEFT) == 1
        stopped_at = len(terminal.output)
        terminal.type("fg\n")
        terminal.wait_for(b"make 2211/1", stopped_at)
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0


def test_continued_in_the_background_it_stops_again_without_drawing() -> None:
    with OnTerminal(SHELL.format(code=screen())) as terminal:
        started(terminal).type("\x1a")
        terminal.wait_for(b"STOPPED\r\n")
        stopped_at = len(terminal.output)
        terminal.type("bg\n")
        terminal.wait_for(b"STOPPED AGAIN", stopped_at)
        assert ENTERED not in terminal.output[stopped_at:]
        terminal.type("fg\n")
        terminal.wait_for(b"make 2211/1", stopped_at)
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0


def test_without_a_shell_the_stop_key_does_not_freeze_it() -> None:
    with OnTerminal(screen()) as terminal:
        started(terminal).type("\x1a")
        terminal.wait_for(LEFT)
        terminal.wait_for(b"make 2211/1", terminal.output.index(LEFT))
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0


A_FIFO_RUNS = """
from ipcinspect.demo.plan import Plan
from ipcinspect.tui import demo_choices
demo_choices.FIRST = Plan("fifo", reading_s=60.0)
"""
"""Its names lie in TMPDIR; its receiver is busy, so that it is in the middle of its walk for long."""


def demo_processes(leader: int) -> dict[str, int]:
    """Pids of a demo below a process, by their names."""
    named: dict[int, tuple[str, int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = os.fsdecode(place.read_bytes()).rpartition(")")
            named[int(place.parent.name)] = head.partition("(")[2], int(rest.split()[1])
    family = {leader, *(pid for pid, (_, parent) in named.items() if parent == leader)}
    return {name: pid for pid, (name, parent) in named.items() if name.startswith("demo-") and parent in family}


@pytest.mark.parametrize("how", ["q", signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_while_a_demo_runs_nothing_of_it_outlives_the_program(how: str | signal.Signals, tmp_path: Path) -> None:
    with OnTerminal(screen(A_FIFO_RUNS), env={"TMPDIR": str(tmp_path)}) as terminal:
        before = terminal.modes()
        started(terminal).type("5r")
        terminal.until(lambda: len(demo_processes(terminal.pid)) == 3 and list(tmp_path.rglob("*fifo*")))
        pids = demo_processes(terminal.pid)
        assert set(pids) == {"demo-keeper", "demo-sender", "demo-receiver"}
        if isinstance(how, str):
            terminal.type(how)
        else:
            os.kill(terminal.pid, how)
        code = os.waitstatus_to_exitcode(terminal.wait_for_end())
        assert code == (0 if isinstance(how, str) else -how if how == signal.SIGKILL else 128 + how)
        terminal.until(lambda: not any(map(is_there, pids.values())))
        terminal.until(lambda: not list(tmp_path.iterdir()))
        if how != signal.SIGKILL:  # it cannot even know of that one
            assert terminal.output.count(LEFT) == 1
            assert terminal.modes() == before


def test_killed_with_stop_and_continued_it_draws_anew() -> None:
    with OnTerminal(screen()) as terminal:
        started(terminal)
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.wait_for_stop()
        stopped_at = len(terminal.output)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for(b"make 2211/1", stopped_at)
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0
