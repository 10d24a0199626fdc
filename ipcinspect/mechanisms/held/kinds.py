"""What kind of thing a descriptor is, in a plain word."""

from __future__ import annotations

from ipcinspect.kernel.descriptors import OtherEnd

_ANONYMOUS = "anon_inode:"
_PLAIN = {"eventpoll": "epoll", "kvm-vm": "virtual-machine"}
NAMESPACES = {
    "net": "network",
    "mnt": "mount",
    "ipc": "IPC",
    "uts": "UTS",
    "pid": "pid",
    "pid_for_children": "pid",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
    "time_for_children": "time",
}
"""Namespaces by the kernel's word in the text of a link, `net:[4026531840]` (namespaces(7))."""


def kind_of(end: OtherEnd) -> str:
    """`epoll`, `pidfd`, `io-uring`, `namespace`, `file`, `directory`, `device`, ...; else the kernel's own word."""
    if end.target.startswith(_ANONYMOUS):
        word = end.target[len(_ANONYMOUS) :].strip("[]")
        return _PLAIN.get(word, word.replace("_", "-").replace(" ", "-")) or "anonymous"
    kind = end.kind
    return "namespace" if kind in NAMESPACES and end.target.startswith(f"{kind}:[") else kind
