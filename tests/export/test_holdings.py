"""What a process holds, and who is at the other end."""

from __future__ import annotations

import json

from ipcinspect.export.holdings import holdings, others_of
from ipcinspect.export.process_document import processes_document
from ipcinspect.model.process import Descriptor
from tests.fakes import channel, endpoint, pipe, process, snapshot

MAKE, TEE, CC = process(2211, "make"), process(2212, "tee"), process(2260, "cc1")
PIPE = pipe(123, MAKE, TEE)
MEMORY = channel(9, "mmap", ends=[endpoint("a", "attached", MAKE), endpoint("b", "attached", CC)], name="/srv/data")
FILE = Descriptor(5, "file", "/src/Makefile")
MACHINE = snapshot(
    [PIPE, MEMORY], descriptors={2211: (Descriptor(1, "pipe", "pipe:[123]", PIPE.key), FILE)}, users={1000: "ana"}
)


def test_descriptors_stand_by_number_and_mappings_behind_them() -> None:
    (held,) = holdings(MACHINE, [2211])
    assert [(row.fd, row.kind, row.target) for row in held.rows] == [
        (1, "pipe", "pipe:[123]"),
        (5, "file", "/src/Makefile"),
        (None, "mmap", None),
    ]
    assert held.holds_channels()


def test_the_other_end_is_the_other_side() -> None:
    assert [end.process for end in others_of(PIPE, PIPE.endpoints[0])] == [TEE]


def test_a_socket_without_a_peer_is_not_at_the_other_end_of_itself() -> None:
    alone = channel(7, "unix", ends=[endpoint("a", "both", MAKE, 3, 7), endpoint("a", "both", TEE, 3, 7)])
    assert others_of(alone, alone.endpoints[0]) == []


def test_of_a_pipe_who_does_what_this_end_does_not_is_across() -> None:
    ends = [endpoint("a", "writer", MAKE, 1), endpoint("a", "writer", TEE, 1), endpoint("a", "both", MAKE, 4)]
    held_both_ways = channel(8, "pipe", ends=ends)
    assert others_of(held_both_ways, ends[0]) == [ends[2]]
    assert others_of(held_both_ways, ends[2]) == ends[:2]


def test_who_shares_memory_are_all_others() -> None:
    assert [end.process for end in others_of(MEMORY, MEMORY.endpoints[1])] == [MAKE]


def test_the_document_refers_to_channels_by_their_ids() -> None:
    told = json.loads("".join(processes_document(MACHINE, holdings(MACHINE, [2211, 2212]))))
    ids = {one["id"] for one in told["channels"]}
    rows = [row for one in told["processes"] for row in one["descriptors"]]
    assert [one["pid"] for one in told["processes"]] == [2211, 2212]
    assert {row["channel"] for row in rows} - {None} == ids
    assert rows[0] == {
        "fd": 1, "kind": "pipe", "target": "pipe:[123]", "channel": "pipe:[123]", "side": "a", "role": "writer",
        "points_to": None,
    }  # fmt: skip
    assert told["processes"][0]["cmdline"] == ["/usr/bin/make"]
