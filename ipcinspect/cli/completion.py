"""Shell completion, written by shtab from the very parsers that read the command line."""

from __future__ import annotations

import argparse

from ipcinspect.cli.complaints import DONE, Usage
from ipcinspect.cli.output import Output


def write_completion(shell: str, parser: argparse.ArgumentParser) -> int:
    """The completion script on standard output. Raises Usage for a shell that cannot be served."""
    import shtab  # slow, and needed only here

    if shell not in shtab.SUPPORTED_SHELLS:
        raise Usage(f"no completion for '{shell}': shtab writes {', '.join(shtab.SUPPORTED_SHELLS)}")
    output = Output()
    output.write(shtab.complete(parser, shell=shell) + "\n")
    output.flush()
    return DONE
