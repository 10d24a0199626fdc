"""The rules: a tuple that one can read, in the order in which findings of one severity are told."""

from __future__ import annotations

from collections.abc import Iterable

from ipcinspect.diagnosis.finding import SEVERITIES, Finding
from ipcinspect.diagnosis.rules.close_wait_pile import CloseWaitPile
from ipcinspect.diagnosis.rules.deadlock import Deadlock
from ipcinspect.diagnosis.rules.deleted_but_mapped import DeletedButMapped
from ipcinspect.diagnosis.rules.eof_held_open import EofHeldOpen
from ipcinspect.diagnosis.rules.fifo_open_waits import FifoOpenWaits
from ipcinspect.diagnosis.rules.file_lock_deadlock import FileLockDeadlock
from ipcinspect.diagnosis.rules.full_dgram_queue import FullDgramQueue
from ipcinspect.diagnosis.rules.inherited_listener import InheritedListener
from ipcinspect.diagnosis.rules.limits_near import FdLimitNear, SysvLimitNear
from ipcinspect.diagnosis.rules.listener_not_accepting import ListenerNotAccepting
from ipcinspect.diagnosis.rules.lock_owner_died import LockOwnerDied
from ipcinspect.diagnosis.rules.marked_for_deletion import MarkedForDeletion
from ipcinspect.diagnosis.rules.no_reader import NoReader
from ipcinspect.diagnosis.rules.rule import Judged, Rule
from ipcinspect.diagnosis.rules.self_held_write_end import SelfHeldWriteEnd
from ipcinspect.diagnosis.rules.slow_stage import SlowStage
from ipcinspect.diagnosis.rules.sysv_orphan import SysvOrphan
from ipcinspect.diagnosis.rules.wait_before_read import WaitBeforeRead
from ipcinspect.diagnosis.rules.world_writable import WorldWritable

__all__ = ["RULES", "Judged", "Rule", "find"]

RULES: tuple[Rule, ...] = (
    Deadlock(),
    SelfHeldWriteEnd(),
    WaitBeforeRead(),
    FileLockDeadlock(),
    LockOwnerDied(),
    FifoOpenWaits(),
    EofHeldOpen(),
    FullDgramQueue(),
    ListenerNotAccepting(),
    CloseWaitPile(),
    InheritedListener(),
    NoReader(),
    SlowStage(),
    FdLimitNear(),
    SysvLimitNear(),
    SysvOrphan(),
    MarkedForDeletion(),
    DeletedButMapped(),
    WorldWritable(),
)


def find(judged: Judged, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules find, the worst first; of one severity in the order of the rules."""
    found = [one for rule in rules for one in rule.check(judged)]
    return tuple(sorted(found, key=lambda one: -SEVERITIES.index(one.severity)))
