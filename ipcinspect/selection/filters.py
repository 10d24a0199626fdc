"""Filter words: `kind:pipe user:www not:state:idle 5432`, for the command line and for `/` on the screen.

A word with a known key in front asks for one property; a plain word has to occur in the channel's mechanism, id,
aliases, name, process names or addresses, upper and lower case alike. A channel has to satisfy every word, except that
several words of one key that names things (`kind:pipe kind:fifo`) ask for any of them; bounds (`queued:`, `idle:`)
hold together. `not:` excludes what the word behind it describes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import MECHANISMS, REACHES, STATES
from ipcinspect.selection import WordError, shown, unknown
from ipcinspect.selection.quantities import SIZE_UNITS, TIME_UNITS, parse_amount

QuietSince = Callable[[Channel], "float | None"]
"""Since when nothing is known to have moved in a channel, seconds since the epoch (`Changes.quiet_since`)."""
Test = Callable[[Channel, Snapshot, "QuietSince | None"], bool]
"""Whether a channel of a snapshot has one property."""


class Key(NamedTuple):
    """One key of the grammar."""

    word: str
    example: str
    help: str
    """One line for the help text."""
    make: Callable[[str], Test | None]
    """The test for a value; None where the value is none. Raises WordError where it can name a nearer one."""
    any_of: bool
    """Whether several words with this key ask for any of them."""
    needs_history: bool = False
    """Whether a single look cannot answer it: it asks how long something lasts."""


class Filter:
    """What a channel has to be like."""

    def __init__(self, words: Sequence[str], tests: Sequence[Test], needs_history: bool) -> None:
        self.words = tuple(words)
        self.needs_history = needs_history
        """Whether a single look cannot answer it."""
        self._tests = tuple(tests)

    def __bool__(self) -> bool:
        """Whether there is any word in it: an empty filter lets everything through."""
        return bool(self._tests)

    def matches(self, channel: Channel, snapshot: Snapshot, quiet: QuietSince | None = None) -> bool:
        """Whether the channel passes. Without `quiet` no channel passes an `idle:` word."""
        for test in self._tests:  # noqa: SIM110 (all() costs twice as much, 100,000 times at every key stroke)
            if not test(channel, snapshot, quiet):
                return False
        return True


def parse(words: Sequence[str]) -> Filter:
    """The filter that the words describe. Raises WordError, whose text names the word and the nearest valid one."""
    parsed = [_parse_word(word) for word in words]
    groups: dict[str, list[Test]] = {}
    tests: list[Test] = []
    for word in parsed:
        if word.key is not None and word.key.any_of and not word.excludes:
            groups.setdefault(word.key.word, []).append(word.test)
        else:
            tests.append(_negated(word.test) if word.excludes else word.test)
    needs_history = any(word.key is not None and word.key.needs_history for word in parsed)
    return Filter(words, [_any(group) for group in groups.values()] + tests, needs_history)


class _Word(NamedTuple):
    key: Key | None
    """None for a plain word."""
    test: Test
    excludes: bool


def _parse_word(word: str) -> _Word:
    body = word.removeprefix("not:")
    excludes = word.startswith("not:")
    left, colon, value = body.partition(":")
    if excludes and (not body or left == "not"):
        raise WordError(f"filter '{shown(word)}': nothing to exclude, write it like not:kind:pty")
    if not colon or left not in _KEY_OF_WORD:
        if colon and _means_a_key(left, body):
            raise unknown("filter", f"{left}:", [f"{known}:" for known in (*_KEY_OF_WORD, "not")])
        return _Word(None, _occurs(body.lower()), excludes)
    key = _KEY_OF_WORD[left]
    try:
        test = key.make(value) if value else None
    except WordError as error:
        raise WordError(f"filter '{shown(word)}': {error}") from None
    if test is None:
        raise WordError(f"filter '{shown(word)}': not understood, write it like {key.example} ({key.help})")
    return _Word(key, test, excludes)


def _means_a_key(left: str, word: str) -> bool:
    """Whether what stands before the colon can only be meant as a key: no address has it there."""
    if not (left.isascii() and left.isalpha() and left.islower()):
        return False
    ipv6 = word.count(":") > 1 and not set(word) - set("0123456789abcdef:.%")
    return left not in _ADDRESS_PREFIXES and not ipv6


_ADDRESS_PREFIXES = frozenset((*MECHANISMS, "socket", "mq", "shm"))


def _any(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda channel, snapshot, quiet: any(test(channel, snapshot, quiet) for test in tests)


def _negated(test: Test) -> Test:
    return lambda channel, snapshot, quiet: not test(channel, snapshot, quiet)


def _occurs(lowered: str) -> Test:
    return lambda channel, snapshot, quiet: lowered in search_text(channel)


def search_text(channel: Channel) -> str:
    """What plain words look into, lower case: mechanism, ids, name, process names, addresses; NUL between them."""
    parts = [channel.mechanism, channel.id, *channel.aliases]
    if channel.name is not None:
        parts.append(channel.name)
    for end in channel.endpoints:
        if end.process is not None:
            parts.append(end.process.comm)
        if end.address is not None:
            parts.append(end.address)
    return "\0".join(parts).lower()


def _kind(value: str) -> Test:
    mechanism = {"anon-shm": "shared-anon"}.get(value, value)
    if mechanism not in MECHANISMS:
        raise unknown("mechanism", value, MECHANISMS)
    return lambda channel, snapshot, quiet: channel.mechanism == mechanism


def _state(value: str) -> Test:
    if value not in STATES:
        raise unknown("state", value, STATES)
    return lambda channel, snapshot, quiet: channel.state == value


def _pid(value: str) -> Test | None:
    number = _number(value)
    if number is None:
        return None

    def held_by(channel: Channel, snapshot: Snapshot, quiet: QuietSince | None) -> bool:
        return any(end.process is not None and end.process.pid == number for end in channel.endpoints)

    return held_by


def _user(value: str) -> Test:
    number = _number(value)

    def held_by(channel: Channel, snapshot: Snapshot, quiet: QuietSince | None) -> bool:
        for end in channel.endpoints:
            uid = None if end.process is None else end.process.uid
            if uid is not None and (uid == number or snapshot.users.get(uid) == value):
                return True
        return False

    return held_by


def _path(value: str) -> Test:
    below = value.rstrip("/") + "/"

    def lies_there(path: str | None) -> bool:
        if path is None or not path.startswith("/"):
            return False
        return path == value or path.startswith(below) if value.startswith("/") else value in path

    def named(channel: Channel, snapshot: Snapshot, quiet: QuietSince | None) -> bool:
        return lies_there(channel.name) or any(lies_there(end.address) for end in channel.endpoints)

    return named


_NAMESPACES = ("net", "ipc", "mnt")
"""As /proc/PID/ns calls them."""


def _ns(value: str) -> Test | None:
    kind, colon, rest = value.partition(":")
    number = _number((rest if colon and kind in _NAMESPACES else value).removeprefix("[").removesuffix("]"))
    if number is None and value != "host":
        return None

    def belongs(channel: Channel, snapshot: Snapshot, quiet: QuietSince | None) -> bool:
        wanted = {snapshot.host.net_namespace, snapshot.host.ipc_namespace} - {None} if number is None else {number}
        if not wanted.isdisjoint(channel.namespaces):
            return True
        return any(
            end.process is not None
            and (
                end.process.net_namespace in wanted
                or end.process.ipc_namespace in wanted
                or end.process.mount_namespace in wanted
            )
            for end in channel.endpoints
        )

    return belongs


def _reach(value: str) -> Test:
    if value not in REACHES:
        raise unknown("reach", value, REACHES)
    return lambda channel, snapshot, quiet: channel.exposure is not None and channel.exposure.reach == value


def _host(value: str) -> Test:
    return lambda channel, snapshot, quiet: snapshot.host.name == value


def _queued(value: str) -> Test | None:
    amount = parse_amount(value, SIZE_UNITS)
    return None if amount is None else lambda channel, snapshot, quiet: amount.holds(channel.queued_bytes)


def _idle(value: str) -> Test | None:
    amount = parse_amount(value, TIME_UNITS)
    if amount is None:
        return None

    def lasts(channel: Channel, snapshot: Snapshot, quiet: QuietSince | None) -> bool:
        start = None if quiet is None else quiet(channel)
        return amount.holds(None if start is None else snapshot.taken_at - start)

    return lasts


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


KEYS = (
    Key("kind", "kind:pipe", "a mechanism", _kind, True),
    Key("pid", "pid:123", "a process that holds an end", _pid, True),
    Key("user", "user:www", "the user of such a process, by name or uid", _user, True),
    Key("state", "state:full", "a state", _state, True),
    Key("path", "path:/run", "a name at or below a path, or with this in its path", _path, True),
    Key("ns", "ns:4026531840", "a net, ipc or mnt namespace of it or of a holder, by inode; ns:host", _ns, True),
    Key("reach", "reach:everybody", "who else may take part, see `show`", _reach, True),
    Key("host", "host:build7", "the machine", _host, True),
    Key("queued", "queued:+1M", "bytes waiting: +more, -less; K M G of 1024", _queued, False),
    Key("idle", "idle:+5m", "time since data moved, else in its state; + - s m h d", _idle, False, needs_history=True),
)
_KEY_OF_WORD = {key.word: key for key in KEYS}
