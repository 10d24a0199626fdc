"""Where the queues of a scan are: in the namespaces, in mounts, behind descriptors; and what each of them answers."""

from __future__ import annotations

import stat
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.kernel import mqueue
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.host import own_pid
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.mounts import Mount
from ipcinspect.kernel.mqueue import FILE_SYSTEM, Listing, Place, QueueNow
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.gap import Gap

_DEADLINE_S = 2.0
"""Seconds for the queues of all namespaces: whoever may make namespaces may fill each with queues."""
_ASKED_HOLDERS = 3
"""Holders of one queue through whom it is asked until one answers."""
_VANISHED = "vanished"
_DELETED = " (deleted)"


class Queue(NamedTuple):
    """One queue."""

    name: str
    """With its slash; the last it had. Kernel text."""
    is_listed: bool
    """Whether its namespace has it by that name now."""
    file: FileFacts
    now: QueueNow | None
    namespace: int | None
    """None where it is not sure which one it is in."""
    holders: Sequence[OtherHolder]

    @property
    def place(self) -> Place:
        """Its identity."""
        return self.file.device, self.file.inode


class Queues:
    """The queues of one scan."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._until = time.monotonic() + _DEADLINE_S
        self._own_pid = own_pid(scan.surroundings.root)
        self._ours = self._descriptors_of_our_own()
        self._namespaces: dict[int, int | None] = {}
        """By the device of their file system; None where that is one of queues, and not sure whose."""
        self._listed: dict[Place, tuple[mqueue.QueueFile, int | None]] = {}
        self._gaps: list[Gap] = []

    def gaps(self) -> list[Gap]:
        """What `found` missed."""
        return self._gaps

    def found(self) -> list[Queue]:
        """Every queue that can be seen. Raises Unsupported where the C library knows no queues."""
        for place, (namespace, answer) in enumerate(self._scan.ipc.ask(self._look)):
            if isinstance(answer, Listing):
                self._add(answer, namespace)
            elif place == 0:
                self._look_from_outside(answer)
            else:
                self._gaps.append(Gap(f"POSIX queues of IPC namespace {namespace}", answer.why, None))
        self._recognise_descriptors()
        queues = [*self._with_name(), *self._held_only()]
        whys = [self._why_silent(queue) if queue.now is None else None for queue in queues]
        for why, number in Counter(why for why in whys if why is not None).items():
            what = "POSIX queues that went during the look" if why == _VANISHED else "attributes of POSIX queues"
            self._gaps.append(Gap(what, why, number))
        return [queue for queue, why in zip(queues, whys) if why != _VANISHED]

    def _why_silent(self, queue: Queue) -> str:
        """One with a name refused to be opened. Of any other, who had it open has closed it, unless we are refused."""
        return self._scan.loans.refusal(queue.file.inode) or ("denied" if queue.is_listed else _VANISHED)

    def _look(self) -> Listing | KernelError:
        try:
            return mqueue.listed(self._ours, self._until)
        except KernelError as error:
            return error

    def _add(self, listing: Listing, namespace: int | None) -> None:
        self._namespaces[listing.device] = namespace
        for row in listing.files:
            self._listed[row.file.device, row.file.inode] = (row, namespace)
        if listing.unreached:
            self._gaps.append(Gap("POSIX queues that were not reached", "timed out", listing.unreached))

    def _look_from_outside(self, refusal: KernelError) -> None:
        """Our namespace without the privilege to mount: what stands in the mount table."""
        own = self._scan.surroundings.ipc_namespace
        ourselves = self._scan.processes.get(self._own_pid)
        mounts = list(self._scan.mounts.of(ourselves).values()) if ourselves is not None else []
        self._namespaces.update((mount.device, None) for mount in mounts if _is_of_queues(mount))
        listings = mqueue.listed_by_mount(mounts, self._ours, self._until)
        for listing in listings:
            self._add(listing, own if listing.is_of_our_namespace else None)
        if not any(listing.is_of_our_namespace for listing in listings):
            what = "POSIX queues of our IPC namespace that no visible process has open"
            self._gaps.append(Gap(what, refusal.why, None))

    def _recognise_descriptors(self) -> None:
        """File systems of queues that no listing told, by descriptors that look like one of a queue."""
        doubtful: dict[int, list[tuple[Place, OtherHolder]]] = {}
        for place, holders in self._scan.files.items():
            if place[0] not in self._namespaces and _may_be_queue(holders[0]):
                doubtful.setdefault(place[0], []).append((place, holders[0]))
        unknown = sum(len(held) for device, held in doubtful.items() if not self._is_settled(device, held))
        if unknown:
            what = "descriptors that may be POSIX queues of a namespace that was not entered"
            self._gaps.append(Gap(what, "other namespace", unknown))

    def _is_settled(self, device: int, held: list[tuple[Place, OtherHolder]]) -> bool:
        """Whether it is known by now what kind of file system that device is."""
        for mount in self._scan.mounts.of(held[0][1].process).values():
            if mount.device == device:
                if _is_of_queues(mount):
                    self._namespaces[device] = None
                return True
        for place, holder in held:
            name = _name_of(holder)
            if place not in self._ours and mqueue.found_by_name(name[1:], place) is not None:
                self._namespaces[device] = self._scan.surroundings.ipc_namespace
                return True
        return False

    def _with_name(self) -> list[Queue]:
        files = self._scan.files
        return [
            Queue(
                row.name,
                True,
                row.file,
                row.now or self._ask(place, files.get(place, ())),
                namespace,
                files.get(place, ()),
            )
            for place, (row, namespace) in self._listed.items()
        ]

    def _held_only(self) -> list[Queue]:
        """Those that no listing has: unlinked ones, and all of a namespace that only its users' descriptors show."""
        found = []
        for place, holders in self._scan.files.items():
            file = holders[0].end.file
            if place[0] in self._namespaces and place not in self._listed and file and stat.S_ISREG(file.mode):
                now, namespace = self._ask(place, holders), self._namespaces[place[0]]
                found.append(Queue(_name_of(holders[0]), False, file, now, namespace, holders))
        return found

    def _ask(self, place: Place, holders: Sequence[OtherHolder]) -> QueueNow | None:
        """Through a descriptor of its holders, of which the name may have gone since they were listed."""
        for process, end in holders[:_ASKED_HOLDERS]:
            if process.pid == self._own_pid:
                return mqueue.asked_through(end.fd, place)
            for target in (end.target, end.target + _DELETED):
                question = mqueue.Question()
                if self._scan.loans.ask(process, end._replace(target=target), question) is not None:
                    return question.answer()
        return None

    def _descriptors_of_our_own(self) -> dict[Place, int]:
        ours = (facts.table.others for facts in self._scan.facts if facts.pid == self._own_pid)
        return {(end.file.device, end.file.inode): end.fd for others in ours for end in others if end.file is not None}


def _is_of_queues(mount: Mount) -> bool:
    return mount.fstype == FILE_SYSTEM.encode()


def _may_be_queue(holder: OtherHolder) -> bool:
    """Whether it is worth the trouble to find out; the text of the link and the size prove nothing."""
    file, target = holder.end.file, holder.end.target
    return file is not None and mqueue.may_be_queue(file) and target.startswith("/") and target.count("/") == 1


def _name_of(holder: OtherHolder) -> str:
    """By the text of the link: `/name`, or where it was opened in a mount, `/dev/mqueue/name`."""
    target, file = holder.end.target, holder.end.file
    if file is not None and file.is_deleted and target.endswith(_DELETED):
        target = target[: -len(_DELETED)]
    return "/" + target.rpartition("/")[2]
