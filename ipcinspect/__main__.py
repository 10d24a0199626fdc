"""`python -m ipcinspect` and the console script: hands over to the command line."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command line with the process's arguments; the result is the exit code."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        # while modules load, Ctrl-C ends the program as the kernel does it, without a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ipcinspect.cli import run

    signal.signal(signal.SIGINT, interrupt)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
