"""As many message queues as there may be, in an IPC namespace of their own."""

from __future__ import annotations

from ipcinspect.demo.broken.scenario import Scenario, rest_for_ever
from ipcinspect.demo.checking import PROC
from ipcinspect.kernel import own_process, sysv

_MOST = 4


def _begin(directory: str) -> None:
    own_process.leave_ipc_namespace()
    with open(f"{PROC}/sys/kernel/msgmni", "w", encoding="ascii") as setting:
        setting.write(str(_MOST))
    for _ in range(_MOST):
        sysv.create_queue()
    rest_for_ever()


SCENARIO = Scenario(
    "sysv-limit-near", "sysv-limit-near", "an IPC namespace has as many queues as it may (needs root)", _begin
)
