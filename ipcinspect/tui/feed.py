"""The feed: looks at the machine in a thread of its own and hands finished views to the screen.

Everything that takes time with the number of channels happens here: the look itself, judging what changed, filter and
order. The screen swaps one immutable view for the next.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from ipcinspect.collector import no_full_garbage_collection
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.lifecycle.life import Event
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents, refused
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Want
from ipcinspect.sources import Details
from ipcinspect.tui.trouble import Trouble, diagnose
from ipcinspect.tui.view import Last, Query, View, arrange, remember_closed

MANY_DESCRIPTORS = 50_000
"""Above this the default interval doubles."""
_LOOKS_BETWEEN_CLEANINGS = 300
"""After so many looks what was spared is looked through once, so that the screen's own cycles do not add up."""
MANY_CHANNELS = 10_000
"""Above this a look's objects are kept from the garbage collector, whose full run would stop every thread for long."""
_PIECE = 512
WAITS_EVERY_S = 2.0
"""Waits cost about as much as all else in a look, and a quarter of a second: where looks follow faster, only some have
them."""
WAITS_APART_S = 0.25
"""Of a look with waits so much is sleep between its two reads: rest for the machine, as the time between looks is."""
INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""What `+` and `-` go through, seconds."""


@contextmanager
def _spared_by_garbage_collection() -> Iterator[Callable[[bool], None]]:
    """No full garbage collection within; gives a function that spares what exists by then all later ones, too.

    Snapshots hold no cycles, reference counts free them. Looking through the objects of 100,000 channels for cycles
    takes 0.6 s in which no other thread runs. What is spared is never looked at again, so the cycles that the screen
    has left behind since then are collected before.
    """
    spared = False
    gc.collect()

    def spare(wanted: bool) -> None:
        nonlocal spared
        spared = wanted

    with no_full_garbage_collection():
        try:
            yield spare
        finally:
            if spared:
                gc.freeze()


class PeekWish(NamedTuple):
    """The wish to look inside a channel, once."""

    key: ChannelKey
    most: int
    """Bytes to copy at most."""
    number: int
    """Tells one request from the next for the same channel."""


@dataclass
class Wishes:
    """What the screen wants of the feed. The screen writes, the feed reads; every field is replaced as a whole."""

    query: Query = field(default_factory=Query)
    interval: float | None = None
    """Seconds between two looks; None: by the size of the machine."""
    paused: bool = False
    sights: bool = True
    """Whether what can be seen here at all is asked for; dear, so only where it is shown."""
    details_of: ProcessKey | ChannelKey | None = None
    peek: PeekWish | None = None
    """The last thing that the user asked to look into; never set but by a key of the user."""


class Feed:
    """One thread calls `run`; the screen sets `wishes` and calls `wake`."""

    def __init__(self, inspector: Inspector, wishes: Wishes) -> None:
        self._inspector = inspector
        self.wishes = wishes
        self._wake = threading.Event()
        self._stopped = False
        self._seen: tuple[Observation, Mapping[ChannelKey, Last]] | None = None
        self._old: Observation | None = None
        self._shown: Observation | None = None
        self._trouble: Trouble | None = None
        self._waits_read_at = float("-inf")
        self.judged_looks = 0
        """How many looks the rules have judged."""
        self._look_now = True
        self._looks = 0
        self._spares = False
        """Whether what the last look made was spared."""
        self._peeked: PeekWish | None = None

    def wake(self, look: bool = False) -> None:
        """Have the thread read the wishes anew; with `look`, look at the machine without waiting."""
        self._look_now = self._look_now or look
        self._wake.set()

    def stop(self) -> None:
        """End `run` as soon as the look under way is done."""
        self._stopped = True
        self._wake.set()

    def shown(self, view: View) -> None:
        """The screen has let go of every view before this one."""
        self._shown = view.observation
        self._wake.set()

    def tell(self, key: ChannelKey, event: Event) -> None:
        """Add what a demo process reported to the life of its channel; from any thread."""
        self._inspector.tell(key, event)

    def interval(self) -> float:
        """Seconds between two looks."""
        if self.wishes.interval is not None:
            return self.wishes.interval
        return 2.0 if self._descriptors() > MANY_DESCRIPTORS else 1.0

    def arrange(self) -> View | None:
        """The last observation for the query of now; from any thread. None before the first look."""
        seen = self._seen
        return None if seen is None else arrange(*seen, self.wishes.query, self._trouble)

    def run(
        self,
        show: Callable[[View], None],
        complain: Callable[[OSError], None],
        tell: Callable[[ProcessKey | ChannelKey, Details | None], None],
        hand_over: Callable[[PeekWish, Contents | None], None],
    ) -> None:
        """Look, hand over, wait; until `stop`. A failed look is told, and tried again at the next turn.

        The interval counts from the end of a look: where looks take long, the machine gets as long a rest from them.
        """
        looked = float("-inf")
        asked: ProcessKey | ChannelKey | None = None
        while not self._stopped:
            self._wake.clear()
            self._peek(hand_over)
            now = time.monotonic()
            if self._look_now or (now >= looked + self.interval() and not self.wishes.paused):
                self._look_now = False
                asked = None
                waits = self._reads_waits(now)
                self._look(show, complain, waits)
                looked = time.monotonic()
                looked -= min(WAITS_APART_S, looked - now) if waits else 0.0
            key = self.wishes.details_of
            if key is not None and key != asked and self._seen is not None:
                asked = key
                tell(key, self._inspector.details(key))
            self._let_go()
            self._wake.wait(None if self.wishes.paused else max(looked + self.interval() - time.monotonic(), 0.0))

    def _peek(self, hand_over: Callable[[PeekWish, Contents | None], None]) -> None:
        """Look into what the user asked for; each wish once, whatever comes of it."""
        wish = self.wishes.peek
        if wish is None or wish == self._peeked or self._seen is None:
            return
        self._peeked = wish
        try:
            hand_over(wish, self._inspector.peek(wish.key, wish.most))
        except OSError as error:
            hand_over(wish, refused(str(error)))

    def _look(self, show: Callable[[View], None], complain: Callable[[OSError], None], waits: bool) -> None:
        self._looks += 1
        if self._spares and self._looks % _LOOKS_BETWEEN_CLEANINGS == 0:
            gc.unfreeze()
            gc.collect()
        want = Want(
            descriptors=True,
            cmdlines=True,
            counts=True,
            sights=self.wishes.sights,
            waits=waits,
            limits=waits,
            lights=self._lights(),
        )
        if waits:
            self._waits_read_at = time.monotonic()
        before = self._seen
        with _spared_by_garbage_collection() as spare:
            try:
                observation = self._inspector.observe(want)
            except OSError as error:
                complain(error)
                return
            last = remember_closed(before[0] if before else None, observation, before[1] if before else {})
            self._seen = (observation, last)
            self._old = None if before is None else before[0]
            if waits:
                self._trouble = diagnose(observation)
                self.judged_looks += 1
            show(arrange(observation, last, self.wishes.query, self._trouble))
            self._spares = len(observation.snapshot.channels) > MANY_CHANNELS
            spare(self._spares)

    def _reads_waits(self, now: float) -> bool:
        """Whether the next look reads waits.

        Of very many channels every look does: what was found keeps its look, and two of that size could not be freed
        in pieces.
        """
        return self._spares or now >= self._waits_read_at + WAITS_EVERY_S

    def _lights(self) -> tuple[ChannelKey, ...]:
        """The pipe that is chosen: of it alone reads and writes are noticed, since that costs its users a little."""
        key = self.wishes.details_of
        return (key,) if isinstance(key, ChannelKey) and key.kind == "pipe" else ()

    def _let_go(self) -> None:
        """Free the observation before the last, here and in small pieces: at once it would hold up a key."""
        if self._old is None or self._seen is None or self._shown is not self._seen[0]:
            return
        snapshot = self._old.snapshot
        self._old = None
        pieces = [*snapshot.channels, *snapshot.descriptors.values(), *snapshot.processes.values()]
        del snapshot
        while pieces:
            del pieces[-_PIECE:]

    def _descriptors(self) -> int:
        if self._seen is None:
            return 0
        return sum(len(rows) for rows in self._seen[0].snapshot.descriptors.values())
