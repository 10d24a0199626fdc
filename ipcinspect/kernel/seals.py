"""What may still be done to a memory file: its seals (memfd_create(2), fcntl(2) F_GET_SEALS)."""

from __future__ import annotations

from ipcinspect.kernel.descriptor_calls import fcntl as _fcntl

_F_GET_SEALS = 1034
_WORDS = ((0x1, "seal"), (0x2, "shrink"), (0x4, "grow"), (0x8, "write"), (0x10, "future-write"), (0x20, "exec"))


class SealsQuestion:
    """To be asked of a borrowed descriptor; keeps the answer."""

    def __init__(self) -> None:
        self._seals = -1

    def __call__(self, fd: int) -> int:
        """Below 0: errno holds the refusal."""
        self._seals = int(_fcntl(fd, _F_GET_SEALS, 0))
        return self._seals

    def words(self) -> str | None:
        """`shrink grow`: what is forbidden for good; `none`; None where it was not answered."""
        return seal_words(self._seals) if self._seals >= 0 else None


def seal_words(seals: int) -> str:
    """The words of a set of seals, `none` of an empty one."""
    return " ".join(word for bit, word in _WORDS if seals & bit) or "none"
