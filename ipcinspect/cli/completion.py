"""Shell completion, written by shtab from the very parsers that read the command line."""

from __future__ import annotations

import argparse

from ipcinspect.cli.complaints import DONE
from ipcinspect.cli.output import Output
from ipcinspect.selection import unknown


def write_completion(shell: str, parser: argparse.ArgumentParser) -> int:
    """The completion script on standard output. Raises WordError for a shell that shtab does not know."""
    import shtab  # slow, and needed only here

    if shell not in shtab.SUPPORTED_SHELLS:
        raise unknown("shell", shell, shtab.SUPPORTED_SHELLS)
    output = Output()
    output.write(shtab.complete(parser, shell=shell) + "\n")
    output.flush()
    return DONE
