"""The filter grammar: what each word lets through, and what a bad one says."""

from __future__ import annotations

import pytest

from ipcinspect.model.channel import Channel, Exposure, Namespaces
from ipcinspect.model.words import MECHANISMS, STATES
from ipcinspect.selection import WordError
from ipcinspect.selection.filters import KEYS, parse
from tests.fakes import NOON, channel, endpoint, pipe, process, snapshot

MAKE = process(2211, "make", uid=1000, ipc_namespace=4026531838)
TEE = process(2212, "tee", uid=33, net_namespace=4026532999, mount_namespace=4026533333)
FULL = pipe(1, MAKE, TEE, "full", queued=65536)
IDLE = pipe(2, TEE, MAKE, "idle", queued=0)
SOCKET = channel(
    77,
    "unix",
    "listening",
    [endpoint("b", "listener", TEE, 3, 77, "/run/app.sock")],
    name="/run/app.sock",
    aliases=["socket:[78]"],
    queued=None,
    namespaces=Namespaces(net=4026531840),
)._replace(exposure=Exposure("group", 0, 0o660))
QUEUE = channel(7, "sysv-msg", "holding", [], name="0x00005151", id="sysv-msg:7", queued=1024 * 1024)
MACHINE = snapshot([FULL, IDLE, SOCKET, QUEUE], users={1000: "ana", 33: "www"})


def chosen(*words: str) -> list[Channel]:
    """The channels of the machine that pass."""
    wanted = parse(words)
    return [one for one in MACHINE.channels if wanted.matches(one, MACHINE)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["kind:pipe"], [FULL, IDLE]),
        (["kind:pipe", "kind:unix"], [FULL, IDLE, SOCKET]),
        (["not:kind:pipe"], [SOCKET, QUEUE]),
        (["pid:2211"], [FULL, IDLE]),
        (["user:www"], [FULL, IDLE, SOCKET]),
        (["user:33", "state:listening"], [SOCKET]),
        (["user:ww"], []),
        (["state:full"], [FULL]),
        (["state:full", "state:idle"], [FULL, IDLE]),
        (["path:/run"], [SOCKET]),
        (["path:/run/"], [SOCKET]),
        (["path:/ru"], []),
        (["path:app"], [SOCKET]),
        (["ns:4026532999"], [FULL, IDLE, SOCKET]),
        (["ns:net:[4026531840]"], [FULL, IDLE, SOCKET]),
        (["ns:ipc:[4026531838]"], [FULL, IDLE]),
        (["ns:mnt:[4026533333]"], [FULL, IDLE, SOCKET]),
        (["ns:mnt:4026533333", "kind:pipe"], [FULL, IDLE]),
        (["host:build7"], [FULL, IDLE, SOCKET, QUEUE]),
        (["host:other"], []),
        (["reach:group"], [SOCKET]),
        (["reach:group", "reach:network"], [SOCKET]),
        (["not:reach:group"], [FULL, IDLE, QUEUE]),
        (["queued:+64K"], [QUEUE]),
        (["queued:+60K"], [FULL, QUEUE]),
        (["queued:-1"], [IDLE]),
        (["queued:0"], [IDLE]),
        (["queued:1m"], [QUEUE]),
        (["queued:+60K", "queued:-1M"], [FULL]),
        (["MAKE"], [FULL, IDLE]),
        (["make", "full"], []),
        (["socket:[78]"], [SOCKET]),
        (["0x00005151"], [QUEUE]),
        (["not:tee"], [QUEUE]),
        (["not:state:idle", "kind:pipe"], [FULL]),
        (["not:state:idle", "not:state:full", "kind:pipe"], []),
        ([], [FULL, IDLE, SOCKET, QUEUE]),
    ],
)
def test_words_let_through(words: list[str], expected: list[Channel]) -> None:
    assert chosen(*words) == expected


@pytest.mark.parametrize("word", ["tcp:127.0.0.1:80", "fe80::1", "cafe::1", "@a:b", "/tmp/a:b", "socket:[1]", "mq:/q"])
def test_an_address_with_colons_is_a_plain_word(word: str) -> None:
    assert chosen(word) == []


@pytest.mark.parametrize(
    ("word", "named", "nearest"),
    [
        ("kind:pip", "pip", "pipe"),
        ("state:ful", "ful", "full"),
        ("not:kind:sysvmsg", "sysvmsg", "sysv-msg"),
        ("knd:pipe", "knd:", "kind:"),
        ("usr:ana", "usr:", "user:"),
        ("pid:abc", "pid:abc", "pid:123"),
        ("pid:", "pid:", "pid:123"),
        ("pid:²", "pid:²", "pid:123"),
        ("queued:+1X", "queued:+1X", "queued:+1M"),
        ("queued:", "queued:", "queued:+1M"),
        ("idle:soon", "idle:soon", "idle:+5m"),
        ("ns:other", "ns:other", "ns:4026531840"),
        ("ns:pid:[7]", "ns:pid:[7]", "ns:4026531840"),
        ("not:", "not:", "not:kind:pty"),
        ("not:not:x", "not:not:x", "not:kind:pty"),
        ("kind:\x1b[31m", "kind:\\x1b[31m", "'"),
    ],
)
def test_a_bad_word_is_one_printable_line_that_names_it_and_the_nearest(word: str, named: str, nearest: str) -> None:
    with pytest.raises(WordError) as caught:
        parse([word])
    text = str(caught.value)
    assert named in text
    assert nearest in text
    assert text.isprintable()


def test_every_mechanism_and_state_of_the_program_can_be_asked_for() -> None:
    parse([f"kind:{word}" for word in MECHANISMS] + [f"state:{word}" for word in STATES])


def test_what_the_screen_calls_anonymous_memory_can_be_typed() -> None:
    memory = channel(5, "shared-anon")
    assert parse(["kind:anon-shm"]).matches(memory, snapshot([memory]))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.word)
def test_every_example_in_the_help_is_a_good_word(key: object) -> None:
    parse([key.example])  # type: ignore[attr-defined]


def test_idle_asks_how_long_nothing_moved() -> None:
    wanted = parse(["idle:+5m"])
    assert wanted.needs_history
    assert not parse(["kind:pipe"]).needs_history
    assert wanted.matches(IDLE, MACHINE, lambda channel: NOON - 301)
    assert not wanted.matches(IDLE, MACHINE, lambda channel: NOON - 299)
    assert not wanted.matches(IDLE, MACHINE, lambda channel: None)
    assert not wanted.matches(IDLE, MACHINE)


def test_an_unknown_amount_keeps_no_bound() -> None:
    unknown = channel(9, queued=None)
    assert not any(parse([word]).matches(unknown, MACHINE) for word in ("queued:+0", "queued:-9", "queued:0"))


def test_an_empty_filter_is_false_and_lets_everything_through() -> None:
    assert not parse([])
    assert parse(["x"])
