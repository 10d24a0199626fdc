"""POSIX message queues of every namespace, and as much of them as an ordinary user can see."""

from __future__ import annotations

from pathlib import Path

from ipcinspect.selection.addresses import find
from tests.live.conftest import Start
from tests.live.posix_queues import (
    IN_A_NAMESPACE,
    QUEUES,
    TELLS_QUEUES,
    WITHOUT_ITS_MOUNT,
    Names,
    named,
    queue_of,
    queues,
    told,
)
from tests.live.subjects import ends, look
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["named", "nobody"]
"""Fixtures that pytest finds here by name."""


HELD_BY_NOBODY = """
queue = opened(ARGS[0], mode=0o622)
send(queue, b"for later"); send(queue, b"and more")
os.close(queue)
say(); stay()
"""


def test_a_queue_is_seen_with_nothing_mounted_and_nobody_holding_it(root: None, start: Start, named: Names) -> None:
    name = named("alone")
    start(QUEUES + HELD_BY_NOBODY, name)
    found = looks(WITHOUT_ITS_MOUNT, TELLS_QUEUES)
    assert (found["mounted"], found["left nothing"]) == (False, True)
    queue = told(found, name)
    assert (queue["id"], queue["endpoints"], queue["state"]) == (f"posix-mq:{name}", [], "holding")
    assert (queue["queued_bytes"], queue["queued_messages"], queue["capacity_bytes"]) == (17, 2, 5 * 64)
    assert (queue["fields"]["mode"], queue["fields"]["owner_uid"]) == (0o622, 0)


def test_two_namespaces_have_queues_of_one_name_and_both_are_seen(root: None, start: Start, named: Names) -> None:
    name = named("twice")
    code = QUEUES + "queue = opened(ARGS[0]); send(queue, b'x' * ARGS[1]); say(ipc()); stay()"
    here = start(code, name, 3)
    there = start(code, name, 4, command=IN_A_NAMESPACE)
    seen = look()
    by_namespace = {channel.namespaces.ipc: channel for channel in queues(seen, name)}
    assert set(by_namespace) == {here.said[0], there.said[0]}
    ours, foreign = by_namespace[here.said[0]], by_namespace[there.said[0]]
    assert (ours.id, foreign.id) == (f"posix-mq:{name}", f"posix-mq:{name}@ipc:[{there.said[0]}]")
    assert (ours.queued_bytes, foreign.queued_bytes) == (3, 4)
    assert (ends(ours), ends(foreign)) == ({(here.pid, 3)}, {(there.pid, 3)})
    for channel in (ours, foreign):
        assert find(channel.id, seen) == (channel,)
    assert ours in find(f"mq:{name}", seen)
    assert find(f"mq:{name}@ipc:[{there.said[0]}]", seen) == (foreign,)


def test_a_namespace_of_another_user_namespace_lets_root_in(root: None, start: Start, named: Names) -> None:
    name = named("container")
    code = QUEUES + "queue = opened(ARGS[0]); send(queue, b'x'); say(ipc()); stay()"
    subject = start(code, name, command=("unshare", "--user", "--map-root-user", "--ipc"))
    channel = queue_of(look(), name)
    assert (channel.namespaces.ipc, channel.queued_messages) == (subject.said[0], 1)


def test_a_name_cannot_be_the_id_of_a_queue_of_another_namespace(root: None, start: Start, named: Names) -> None:
    name = named("real")
    real = start(QUEUES + "opened(ARGS[0]); say(ipc()); stay()", name, command=IN_A_NAMESPACE)
    forged = f"{name}@ipc:[{real.said[0]}]"
    forger = start(QUEUES + "opened(ARGS[0]); say()\ntry: stay()\nfinally: unlink(ARGS[0])", forged)
    seen = look()
    (found,) = find(f"posix-mq:{name}@ipc:[{real.said[0]}]", seen)
    assert ends(found) == {(real.pid, 3)}
    assert ends(queue_of(seen, forged)) == {(forger.pid, 3)}


def test_an_empty_queue_that_nobody_holds_is_orphaned_where_nobody_is_hidden(
    root: None, start: Start, named: Names
) -> None:
    """In a pid namespace with its own /proc everybody can be seen, and without sockets nothing is in flight.

    But whoever lives outside of that namespace may hold it: only from the first one nobody can.
    """
    name = named("left over")
    start(QUEUES + "os.close(opened(ARGS[0])); say(); stay()", name)
    shut_in = ("unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc")
    assert told(looks(shut_in, TELLS_QUEUES), name)["state"] == "idle"
    as_if_first = "from ipcinspect.kernel import locks; locks.sees_all = lambda root: True\n"
    assert told(looks(shut_in, as_if_first + TELLS_QUEUES), name)["state"] == "orphaned"


def test_an_ordinary_user_sees_what_his_processes_have_open_and_is_told_the_rest(
    nobody: None, start: Start, named: Names
) -> None:
    mine, unlinked, other = named("mine"), named("unlinked"), named("other")
    code = """
one = opened(ARGS[0]); send(one, b"abc")
two = opened(ARGS[1], flags=os.O_WRONLY, mode=0o200); unlink(ARGS[1])
say(one, two); stay()
"""
    subject = start(QUEUES + code, mine, unlinked, command=NOBODY)
    start(QUEUES + "opened(ARGS[0]); say(); stay()", other)
    found = looks((*WITHOUT_ITS_MOUNT, *NOBODY), TELLS_QUEUES)
    queue = told(found, mine)
    assert (queue["id"], queue["queued_bytes"], queue["queued_messages"]) == (f"posix-mq:{mine}", 3, 1)
    assert [(end["pid"], end["fd"], end["role"]) for end in queue["endpoints"]] == [
        (subject.pid, subject.said[0], "both")
    ]
    gone = told(found, unlinked)
    assert (gone["state"], gone["queued_messages"]) == ("marked-for-deletion", 0)
    assert [(end["pid"], end["role"]) for end in gone["endpoints"]] == [(subject.pid, "writer")]
    assert not [channel for channel in found["channels"] if channel["name"] == other]
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


def test_a_mount_that_is_there_tells_an_ordinary_user_every_name(
    nobody: None, start: Start, named: Names, directory: Path
) -> None:
    readable, shut, writable = named("readable"), named("shut"), named("writable")
    code = """
for name, mode in zip(ARGS, (0o644, 0o600, 0o622)):
    queue = opened(name, mode=mode); send(queue, b"12"); os.close(queue)
say(); stay()
"""
    start(QUEUES + code, readable, shut, writable)
    script = f'mount -t mqueue none {directory} && exec "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert (told(found, readable)["state"], told(found, readable)["queued_bytes"]) == ("holding", 2)
    assert (told(found, writable)["queued_messages"], told(found, writable)["queued_bytes"]) == (1, None)
    refused = told(found, shut)
    assert (refused["state"], refused["queued_bytes"], refused["id"]) == ("unknown", None, f"posix-mq:{shut}")
    assert refused["fields"]["mode"] == 0o600
    whys = {what: why for what, why, _ in found["gaps"]}
    assert whys["attributes of POSIX queues"] == "denied"
    assert "POSIX queues of our IPC namespace that no visible process has open" not in whys


def test_a_mount_of_another_namespace_is_not_taken_for_ours(
    nobody: None, start: Start, named: Names, directory: Path
) -> None:
    """Entered the IPC namespace after the mount was made: then it shows the queues of the one before."""
    name = named("theirs")
    start(QUEUES + "opened(ARGS[0], mode=0o666); say(); stay()", name)
    script = f'mount -t mqueue none {directory} && exec unshare --ipc "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert [channel["id"] for channel in found["channels"] if channel["name"] == name] == []
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


def test_a_queue_behind_a_covered_mount_point_is_not_walked_to(nobody: None, directory: Path) -> None:
    script = f'mount -t mqueue none {directory} && mount -t tmpfs none {directory} && exec "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


OUTLIVES_ITS_NAMESPACE = """
queue = opened(ARGS[0])
checked(LIBC.unshare(0x08000000))
say(); stay()
"""


def test_a_queue_of_a_namespace_that_is_gone_is_a_gap_and_no_guess(root: None, start: Start, named: Names) -> None:
    name = named("survivor")
    start(QUEUES + OUTLIVES_ITS_NAMESPACE, name, command=IN_A_NAMESPACE)
    seen = look()
    assert not queues(seen, name)
    assert any("may be POSIX queues" in what for what in (gap.what for gap in seen.gaps))


def test_a_refused_mount_is_a_gap_and_what_is_open_still_shows(start: Start, named: Names) -> None:
    """As in a container whose seccomp filter knows no fsopen(2)."""
    name = named("filtered")
    subject = start(QUEUES + "opened(ARGS[0]); say(); stay()", name)
    code = """
from ipcinspect.kernel import mqueue
from ipcinspect.kernel.errors import Unsupported
def refuse(*arguments):
    raise Unsupported("a mount of mqueue")
mqueue.listed = refuse
"""
    found = looks(code=code + TELLS_QUEUES)
    assert [end["pid"] for end in told(found, name)["endpoints"]] == [subject.pid]
    if not found["mounted"]:
        assert ["POSIX queues of our IPC namespace that no visible process has open", "unsupported", None] in found[
            "gaps"
        ]
