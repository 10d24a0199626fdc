"""The table of README: what the program tells of each mechanism, from the rooms' own words, and the test of each cell.

`python -m tests.documents.mechanisms` writes it into README between its marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.room import Room

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- mechanisms: made by python -m tests.documents.mechanisms -->", "<!-- /mechanisms -->"

CONTRACT = "tests/contract/test_every_mechanism.py::test_pair_is_one_channel_from_its_opening_to_its_end"
"""Proves listed, ends, depth, peek and relation of every mechanism with a demo pair."""
ELSEWHERE = "tests/live/test_namespaces.py::test_a_pair_in_each_of_two_containers_is_two_channels_with_the_right_ends"
"""Proves the namespace of every mechanism with a demo pair."""

_LOCKS, _FUTEXES = "tests/live/test_file_locks.py::", "tests/live/test_futexes.py::"
_NETLINK = "tests/live/test_netlink_and_packet.py::"
WITHOUT_PAIR: dict[str, tuple[str, str]] = {
    "netlink": (
        f"{_NETLINK}test_a_receiver_has_its_senders_and_what_waits_is_memory_not_bytes",
        f"{_NETLINK}test_an_interface_has_its_name_in_its_own_namespace",
    ),
    "packet": (
        f"{_NETLINK}test_frames_that_wait_are_memory",
        f"{_NETLINK}test_an_interface_has_its_name_in_its_own_namespace",
    ),
    "file-lock": (
        f"{_LOCKS}test_who_waits_for_a_flock_runs_into_its_holder_with_both_descriptors",
        f"{_LOCKS}test_a_holder_in_another_pid_namespace_is_told_by_our_number_of_it",
    ),
    "futex": (
        f"{_FUTEXES}test_who_waits_for_a_shared_mutex_runs_into_its_owner",
        f"{_FUTEXES}test_an_owner_in_another_pid_namespace_is_found_by_its_number_there",
    ),
}
"""What only looks have: the test of what is told, the test of the namespace."""

_NAMESPACES = {
    "net": "every network namespace",
    "ipc": "every IPC namespace",
    "mount": "every mount namespace",
    "none": "one for the machine",
}


class Proof(NamedTuple):
    """The tests behind one row."""

    told: str
    """Of listed, ends, depth, peek and relation."""
    namespace: str


def proof_of(room: Room) -> Proof:
    """The tests that fail when a cell of the row is not true."""
    if room.DEMO is None:
        return Proof(*WITHOUT_PAIR[room.NAME])
    variant = room.DEMO.variants[0]
    return Proof(f"{CONTRACT}[{room.NAME}-{variant}-sender]", f"{ELSEWHERE}[{room.NAME}-{variant}]")


def table() -> str:
    """Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| mechanism | listed | both ends | depth | peek | relation | namespace |"
    yield "|---|---|---|---|---|---|---|"
    for room in MECHANISMS:
        tells = room.TELLS
        cells = (
            room.NAME,
            "yes",
            tells.ends,
            "nothing queues" if tells.depth == "none" else tells.depth,
            _peek(tells.peek),
            ", ".join(tells.relations),
            _NAMESPACES[tells.namespace],
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    told = [room.NAME for room in MECHANISMS if room.DEMO is not None]
    yield f"Of {', '.join(told)} each cell but the last is proven by"
    yield f"`{CONTRACT}`, the last by"
    yield f"`{ELSEWHERE}`."
    for room in MECHANISMS:
        if room.DEMO is None:
            proof = proof_of(room)
            yield f"Of {room.NAME}: `{proof.told}` and `{proof.namespace}`."


def _peek(sentence: str | None) -> str:
    """The calls that the announcement names."""
    if sentence is None:
        return "no"
    calls = dict.fromkeys(re.findall(r"[a-z_]+\(2\)|MSG_[A-Z]+|map_files|pread|fdinfo", sentence))
    return f"yes, {' or '.join(calls)}" if calls else "yes"


def written_into(text: str) -> str:
    """README with the table as it is now."""
    pattern = re.escape(BEGIN) + r"\n.*?" + re.escape(END)
    return re.sub(pattern, lambda found: f"{BEGIN}\n{table()}\n{END}", text, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(written_into(README.read_text(encoding="utf-8")), encoding="utf-8")
