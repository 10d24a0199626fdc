"""`python -m ipcinspect` and the console script: hands over to the command line."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line with the process's arguments; the result is the exit code."""
    from ipcinspect.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
