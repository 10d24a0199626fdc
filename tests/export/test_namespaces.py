"""In which namespaces a channel lies, in words."""

from __future__ import annotations

import pytest

from ipcinspect.export.namespaces import is_foreign, namespace_word
from ipcinspect.model.channel import Namespaces
from tests.fakes import channel, snapshot

HOST = snapshot().host
NET, IPC = HOST.net_namespace, HOST.ipc_namespace


@pytest.mark.parametrize(
    ("mechanism", "namespaces", "word"),
    [
        ("unix", Namespaces(net=NET), "host"),
        ("sysv-msg", Namespaces(ipc=IPC), "host"),
        ("unix", Namespaces(net=77), "net 77"),
        ("posix-mq", Namespaces(ipc=78), "ipc 78"),
        ("sysv-shm", Namespaces(77, 78), "net 77 ipc 78"),
        ("sysv-shm", Namespaces(NET, 78), "ipc 78"),
        ("pipe", Namespaces(), "-"),
        ("unix", Namespaces(), None),
    ],
)
def test_only_what_differs_from_ours_is_named(mechanism: str, namespaces: Namespaces, word: str | None) -> None:
    one = channel(1, mechanism, namespaces=namespaces)
    assert namespace_word(one, HOST) == word
    assert is_foreign(one, HOST) == (word is not None and any(char.isdigit() for char in word))
