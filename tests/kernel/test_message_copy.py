"""What a kernel may answer to a copy of a message; a fake stands for the call."""

from __future__ import annotations

import ctypes
import errno

import pytest

from ipcinspect.kernel import message_copy
from ipcinspect.kernel.errors import Denied, KernelError, Unsupported, Vanished

NOBODYS = 0x7FFFFFFF
"""An id that no queue has."""


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (errno.ENOSYS, Unsupported, "CHECKPOINT_RESTORE"),
        (errno.EACCES, Denied, "queue"),
        (errno.EPERM, Denied, "queue"),
        (errno.EIDRM, Vanished, "queue"),
        (errno.EINVAL, Vanished, "queue"),
        (errno.ENOMEM, Unsupported, "memory"),
    ],
)
def test_each_refusal_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, number: int, error: type[KernelError], words: str
) -> None:
    monkeypatch.setattr(message_copy, "_msgrcv", _answering(number))
    with pytest.raises(error, match=words):
        message_copy.copy_messages(NOBODYS, 100)


def test_a_message_that_never_fits_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_copy, "_msgrcv", _answering(errno.E2BIG))
    monkeypatch.setattr(message_copy, "_LARGEST_BUFFER", 1 << 16)
    with pytest.raises(Unsupported):
        message_copy.copy_messages(NOBODYS, 100)


def _answering(number: int):
    def refuse(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    return refuse
