"""The registers that one can read are complete, and use the closed words."""

from __future__ import annotations

import pytest

from ipcinspect.mechanisms import MECHANISMS, fields_of
from ipcinspect.mechanisms.room import Room
from ipcinspect.model import words
from tests.architecture.program import rooms

STAGES = {
    "opening": "creation",
    "listening": "creation",
    "waiting-accept": "creation",
    "filling": "transmission",
    "full": "transmission",
    "holding": "delivery",
    "flowing": "reception",
    "draining": "reception",
    "half-closed": "termination",
    "no-reader": "termination",
    "no-writer": "termination",
    "orphaned": "termination",
    "marked-for-deletion": "termination",
    "closed": "termination",
    "idle": None,
    "unknown": None,
}

WITHOUT_DEMO = {"netlink", "packet", "futex", "file-lock"}

every_room = pytest.mark.parametrize("room", MECHANISMS, ids=lambda room: room.NAME)


def test_every_room_stands_in_the_register_and_nothing_else_does() -> None:
    assert sorted(getattr(room, "__name__", "") for room in MECHANISMS) == sorted(rooms())


def test_mechanisms_have_names_of_their_own_from_the_list_of_words() -> None:
    names = [room.NAME for room in MECHANISMS]
    assert len(names) == len(set(names))
    assert set(names) <= set(words.MECHANISMS)


def test_a_word_without_a_room_has_no_fields() -> None:
    assert fields_of("no such mechanism") == ()


@every_room
def test_fields_have_names_of_their_own_and_one_line_of_help(room: Room) -> None:
    names = [field.name for field in room.FIELDS]
    assert len(names) == len(set(names))
    for field in room.FIELDS:
        assert field.name.isidentifier()
        assert field.name == field.name.lower()
        assert field.title.strip()
        assert field.help.strip()
        assert "\n" not in field.help
    assert fields_of(room.NAME) == room.FIELDS


@every_room
def test_waits_name_roles_that_exist(room: Room) -> None:
    for wait in room.WAITS:
        assert wait.role in words.ROLES
        assert wait.until in words.ROLES
        assert wait.call.isidentifier()


@every_room
def test_every_demo_has_variants_of_different_names(room: Room) -> None:
    if room.DEMO is None:
        assert room.NAME in WITHOUT_DEMO
    else:
        assert room.DEMO.variants
        assert len(room.DEMO.variants) == len(set(room.DEMO.variants))


@every_room
def test_what_a_room_tells_uses_the_closed_words(room: Room) -> None:
    assert set(room.TELLS.relations) <= set(words.RELATIONS)
    assert room.TELLS.depth in {"bytes", "messages", "bytes and messages", "memory", "value", "none"}
    assert room.TELLS.namespace in {"net", "ipc", "mount", "none"}


def test_each_state_belongs_to_the_stage_that_the_contract_says() -> None:
    assert {state: words.stage_of(state) for state in words.STATES} == STAGES
    assert {stage for stage in STAGES.values() if stage is not None} <= set(words.STAGES)


@pytest.mark.parametrize(
    "register",
    [words.MECHANISMS, words.ROLES, words.STATES, words.STAGES, words.RELATIONS, words.REACHES],
    ids=lambda r: r[0],
)
def test_no_word_stands_twice_in_its_list(register: tuple[str, ...]) -> None:
    assert len(register) == len(set(register))
