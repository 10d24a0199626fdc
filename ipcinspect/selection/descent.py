"""In words: how a holder came by its descriptor."""

from __future__ import annotations

from ipcinspect.sources import CameBy


def descent_sentence(came: CameBy | None) -> str | None:
    """`shared with parent sh 2209/5` and the like, with a raw name in it; None where it is not known.

    It says with whom the open file is shared, which is a fact, and leaves to the reader that it was inherited.
    """
    if came is None:
        return None
    if came.how == "unshared":
        return "nobody seen shares it"
    if came.process is None:
        return None
    if came.how == "duplicate":
        return f"same as its own {came.fd}"
    whom = f"{came.process.comm} {came.process.pid}/{came.fd}"
    return f"shared with {whom}" if came.how == "shared" else f"shared with {came.how} {whom}"
