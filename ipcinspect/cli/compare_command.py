"""`ipcinspect compare`: the same work over every mechanism, measured on this machine, and which to choose."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence

from ipcinspect.cli.compare_document import compare_document
from ipcinspect.cli.compare_text import write_comparison
from ipcinspect.cli.complaints import DONE, Unable, complain
from ipcinspect.cli.progress import ProgressLine
from ipcinspect.cli.session import Session
from ipcinspect.demo.compare.cases import FULL, QUICK, Case, chosen, mechanisms
from ipcinspect.demo.compare.contest import FULLY, QUICKLY, Contest
from ipcinspect.demo.compare.rules import answers
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.model.words import MECHANISMS
from ipcinspect.selection import unknown
from ipcinspect.tui.compare_words import left_words

SUMMARY = "shared memory or a queue? every mechanism measured on this machine"
EPILOG = """\
Two processes of their own for each mechanism, and the same work for all: messages
of 64 B, 4 KiB, 64 KiB and 1 MiB in one direction as fast as they go, and round
trips. All take turns, round after round, and start anew in between; the first
round of new processes does not count. Then what that says of this machine, each
sentence with the ratio that it rests on; no difference is told where the rounds
spread by more than that.

MECHANISM: only these (pipe, unix, posix-shm, ...). Without: all, about two
minutes; --quick takes less than 20 seconds and sees fewer differences. The
machine should be quiet meanwhile, and have 700 MB of memory to spare: all pairs
are there at once, 25 MB each. MECHANISM takes less.

What a mechanism cannot carry, and what this machine lacks, is a row with the
reason. Nothing is left behind, however it ends. ctrl-C: what was measured so far.

examples:
  ipcinspect compare --quick
  ipcinspect compare pipe posix-shm sysv-msg
  ipcinspect compare --quick --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("mechanisms", nargs="*", metavar="MECHANISM", help="pipe, unix, posix-shm, sysv-msg, ...")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: less than 20 seconds for all")


def run(session: Session) -> int:
    """Measure, then tell. Raises WordError, Unable, ReaderGone or KeyboardInterrupt."""
    quick: bool = session.arguments.quick
    cases = _cases(session.arguments.mechanisms, QUICK if quick else FULL)
    snapshot = session.observe(session.inspector(), Want()).snapshot if session.options.json else None
    with signals_end_in_order(), contextlib.closing(Contest(cases, QUICKLY if quick else FULLY)) as contest:
        interrupted = _measure(session, contest)
    _tell(session, contest, snapshot, interrupted is None)
    if interrupted is not None:
        complain("interrupted: this is what was measured until then")
        raise interrupted
    if not contest.results().has_figures:
        raise Unable("nothing could be measured: each row has its reason")
    return DONE


def _cases(words: Sequence[str], register: Sequence[Case]) -> tuple[Case, ...]:
    """Raises WordError for what is no mechanism, Unable for one of which there is no pair."""
    known = mechanisms(register)
    wrong = next((word for word in words if word not in known), None)
    if wrong is not None and wrong in MECHANISMS:
        raise Unable(f"{wrong} has no demo pair that could be measured: the program only looks at it")
    if wrong is not None:
        raise unknown("mechanism", wrong, known)
    return chosen(register, words)


def _measure(session: Session, contest: Contest) -> KeyboardInterrupt | None:
    """To the end, or until ctrl-C."""
    line = ProgressLine(session.options.environ)
    try:
        for progress in contest:
            left = left_words(progress.left_s)
            line.draw(progress.done, f"{left}  {progress.what}" if left else progress.what)
    except KeyboardInterrupt as interrupt:
        return interrupt
    finally:
        line.clear()
    return None


def _tell(session: Session, contest: Contest, snapshot: Snapshot | None, complete: bool) -> None:
    results = contest.results()
    said = answers(results)
    if snapshot is None:
        write_comparison(session, results, said, contest.effort)
    else:
        session.write_document(compare_document(snapshot, results, said, contest.effort, complete))
        session.output.flush()
