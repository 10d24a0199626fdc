"""How a call in which a thread sleeps is written down: `write(1, 4096)`, as strace(1) would."""

from __future__ import annotations

from ipcinspect.kernel.waiting import Blocked

SOCKET_CALLS = frozenset(
    ("recv", "recvfrom", "recvmsg", "recvmmsg", "send", "sendto", "sendmsg", "sendmmsg", "accept", "accept4", "connect")
)
"""Calls on sockets alone."""
_SIZED = frozenset(
    ("read", "write", "pread64", "pwrite64", "recv", "recvfrom", "send", "sendto", "mq_timedreceive", "mq_timedsend")
)
"""Calls whose third argument is a number of bytes."""
LISTS = frozenset(("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"))
"""Calls that wait for any of several descriptors."""


def told(one: Blocked) -> str:
    """The call with what matters of its arguments."""
    targets = one.targets
    if one.call in LISTS:
        count = len(targets)
        inside = f"{count} descriptor{'' if count == 1 else 's'}"
    elif one.call in ("wait4", "waitid", "waitpid"):
        inside = ", ".join("any child" if target.number is None else str(target.number) for target in targets)
    elif targets and targets[0].path is not None:
        inside = f'"{targets[0].path}"'
    elif targets and targets[0].kind == "semaphore":
        inside = ", ".join([str(targets[0].number), *(f"[{target.sub}] {target.change:+}" for target in targets)])
    elif targets and targets[0].requests:
        inside = f"{targets[0].fd}: {', '.join(f'{count} {kind}' for kind, count in targets[0].requests)}"
    elif targets and targets[0].kind == "descriptor":
        inside = str(targets[0].fd) + (f", {one.arguments[2]}" if one.call in _SIZED else "")
    elif targets and targets[0].number is not None:
        inside = str(targets[0].number)
    else:
        inside = ""
    limit = f"{one.timeout_s:g} s" if one.timeout_s is not None else ""
    return f"{one.call}({', '.join(part for part in (inside, limit) if part)})"
