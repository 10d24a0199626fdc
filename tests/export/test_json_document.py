"""The schema `ipcinspect/1`: key for key what the contract says, and exactly what `json` would write."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcinspect.export import json_document
from ipcinspect.export.json_document import channels_document
from ipcinspect.model import words
from ipcinspect.model.channel import Channel, Endpoint, Field, FieldValue, Namespaces, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from tests.export.reference import document
from tests.fakes import channel, endpoint, pipe, process, snapshot

FIELDS = (
    Field("first", "First", None, "help"),
    Field("when", "When", "time", "help"),
    Field("mode", "Mode", "mode", "help"),
)

text = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
number = st.integers(0, 2**63)
some = st.one_of(st.none(), number)
fill = st.one_of(st.none(), st.floats(0, 1))
moments = st.one_of(st.none(), st.floats(0, 4e9))
queues = st.builds(Queue, st.sampled_from("ab"), some, some, some, some, some, fill, some, moments, moments)
processes = st.builds(
    Process,
    pid=st.integers(1, 5),
    starttime=number,
    comm=text,
    ppid=some,
    uid=st.one_of(st.none(), st.integers(0, 2)),
    container=st.one_of(st.none(), text),
    cmdline=st.none(),
    kernel_thread=st.booleans(),
    readable=st.booleans(),
    net_namespace=some,
    ipc_namespace=some,
)
endpoints = st.builds(
    Endpoint,
    st.sampled_from("ab"),
    st.sampled_from(words.ROLES),
    st.one_of(st.none(), processes),
    some,
    some,
    st.one_of(st.none(), text),
)
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(0, 4e9), text)
times = st.one_of(st.none(), st.integers(0, 2**31), st.floats(0, 4e9))
channels = st.builds(
    Channel,
    key=st.builds(ChannelKey, st.just("pipe"), number, number),
    id=text,
    aliases=st.tuples(text) | st.just(()),
    mechanism=st.sampled_from(words.MECHANISMS),
    name=st.one_of(st.none(), text),
    state=st.sampled_from(words.STATES),
    relation=st.sampled_from(words.RELATIONS),
    queues=st.lists(queues, max_size=2).map(tuple),
    capacity_bytes=some,
    namespaces=st.builds(Namespaces, some, some),
    created_at=moments,
    endpoints=st.lists(endpoints, max_size=3).map(tuple),
    fields=st.tuples(values, times, values) | st.just(()),
)
gaps = st.lists(st.builds(Gap, text, text, some), max_size=2)


@pytest.fixture(autouse=True)
def _fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "fields_of", lambda mechanism: FIELDS)


def written(machine: Snapshot) -> str:
    """The document of all channels."""
    return "".join(channels_document(machine, machine.channels))


@settings(max_examples=150, deadline=None)
@given(st.lists(channels, max_size=4), gaps, st.dictionaries(st.integers(0, 2), text))
def test_the_fast_writer_writes_what_json_would(
    listed: list[Channel], missing: list[Gap], users: dict[int, str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_document, "fields_of", lambda mechanism: FIELDS)
        machine = snapshot(listed, gaps=missing, users=users)
        assert written(machine) == json.dumps(document(machine, machine.channels, FIELDS))


def test_a_document_of_several_chunks_is_still_one_document() -> None:
    machine = snapshot([pipe(number, process(number), None) for number in range(1, 300)])
    assert json.loads(written(machine)) == document(machine, machine.channels, FIELDS)


def test_the_document_is_one_line_of_ascii() -> None:
    hostile = process(7, "\x1b[31m\n\u202e\udcff")
    line = written(snapshot([pipe(1, hostile, None)]))
    assert line.isascii()
    assert line.isprintable()
    assert "\\udcff" in line
    assert json.loads(line)["channels"][0]["endpoints"][0]["comm"] == hostile.comm


def test_a_pid_that_stands_for_two_processes_is_written_as_both() -> None:
    old, new = process(7, "old"), process(7, "new", starttime=9)
    ends = [endpoint("a", "writer", old, 1), endpoint("b", "reader", new, 0)]
    rows = json.loads(written(snapshot([channel(1, ends=ends)])))["channels"][0]["endpoints"]
    assert [row["comm"] for row in rows] == ["old", "new"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_know_is_unknown(value: FieldValue) -> None:
    machine = snapshot([channel(1, fields=[value, None, None])])
    assert json.loads(written(machine))["channels"][0]["fields"]["first"] is None


def test_keys_stand_in_the_order_of_the_contract() -> None:
    machine = snapshot([pipe(1, process(7), None)])
    told = json.loads(written(machine))
    assert list(told) == ["schema", "host", "boot_id", "taken_at", "duration_s", "channels", "gaps"]
    assert list(told["channels"][0])[:10] == [
        "id", "aliases", "mechanism", "name", "state", "stage", "relation", "queued_bytes", "queued_messages",
        "capacity_bytes",
    ]  # fmt: skip
