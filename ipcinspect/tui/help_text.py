"""What `?` shows: the keys, the filter words, and what the shapes mean. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.selection.filters import KEYS as FILTER_KEYS
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key
from ipcinspect.tui.life_text import CERTAIN_WORDS
from ipcinspect.tui.stage_track import ROLES
from ipcinspect.tui.states import STATES

EVERYWHERE = (
    Key("1 2 3 4 5 7", "Channels, Processes, Stuck, Findings, Demo, Doctor"),
    Key("/", "filter by words; enter keeps it, esc clears it"),
    Key("w", "why: on whom what is chosen waits, down to the root of it"),
    Key("space", "pause and go on"),
    Key("+ -", "look more often, less often"),
    Key("y", "copy the id of what is chosen (OSC 52)"),
    Key("ctrl+p", "palette: find a channel, a process, a command"),
    Key("ctrl+l", "draw everything anew"),
    Key("ctrl+z", "stop for the shell, fg goes on"),
    Key("? q", "this help, quit"),
)
CHANNELS = (
    Key("arrows page home end", "choose a channel (also j k g G)"),
    Key("enter", "its ends; there: the process that holds an end"),
    Key("tab", "to the panel and back; left, right: its tabs"),
    Key("p P", "look inside: the first 4 KiB, 64 KiB; nothing is taken out"),
    Key("x", "contents as they are, in hexadecimal, as text"),
    Key("s S", "next order; the order turned round (or click)"),
    Key("esc", "back to the table; clear the filter"),
)
PROCESSES = (
    Key("[ ]", "process before, process after"),
    Key("tab", "between the tree and the descriptors"),
    Key("enter", "the channel of the chosen descriptor"),
    Key("o", "the process at its other end"),
    Key("esc", "back to where you came from"),
)
STUCK = (
    Key("up down", "choose a knot, a finding"),
    Key("enter", "the channel that it is about"),
    Key("o", "the process that holds the others up, or the first of them"),
    Key("tab", "to the text and back: there the arrows scroll"),
    Key("y", "copy the report"),
)
DEMO = (
    Key("enter r", "run a sender and a receiver through all seven stages; run on"),
    Key("R", "from the start, with a new pair"),
    Key("n b", "next stage; stage before (what the processes did stays done)"),
    Key("right left", "the same by single lines"),
    Key("m v f", "another mechanism, its next variant, the next format"),
    Key("x", "what shall go wrong; a run stops where it shows"),
    Key("o", "other options"),
    Key("c", "the pair's channel in the list of all channels"),
    Key("C", "measure every mechanism on this machine, and which to choose"),
    Key("esc", "the page before; the pair stays until you leave the program"),
)

_WIRES = (
    ("to", "one way"),
    ("both", "both ways"),
    ("shared", "the same memory"),
    ("blocked", "runs into a wall: cannot go on"),
    ("gone", "the other end is gone"),
    ("open", "open for anybody"),
)
_STATIONS = (
    ("done", "behind it"),
    ("now", "where it stands"),
    ("stuck", "where it stands and cannot go on"),
    ("ahead", "to come, or not seen yet"),
    ("none", "does not apply to this channel"),
)
_RATES = (
    ("1.2K/s", "counted by the kernel"),
    (">1.2K/s", "at least: what was seen to move between two looks"),
    ("-", "nothing moves through it: memory, a lock, a listener"),
    ("?", "not known: the kernel does not count, and nothing was seen to move"),
)


def help_lines(glyphs: Glyphs) -> list[Line]:
    """The whole page."""
    lines: list[Line] = []
    sections = (
        ("Everywhere", EVERYWHERE),
        ("Channels", CHANNELS),
        ("Processes", PROCESSES),
        ("Stuck, Findings", STUCK),
        ("Demo", DEMO),
    )
    for title, keys in sections:
        lines += [_title(title), *(_pair(key.key, key.word, "key", glyphs) for key in keys), ()]
    lines += [_title("Filter words"), _pair("nginx", "in a name, an id, an address, a process", "strong", glyphs)]
    lines += [_pair(key.example, key.help, "strong", glyphs) for key in FILTER_KEYS]
    lines += [_pair("not:kind:pty", "everything else", "strong", glyphs), (), _title("Marks, worst first")]
    lines += _marks(glyphs)
    lines += [(), _title("Wires")]
    lines += [_pair(glyphs.wires[wire], words, "text", glyphs) for wire, words in _WIRES]
    lines += [(), _title("Life: stages")]
    lines += [_pair(glyphs.stations[status], words, ROLES[status], glyphs) for status, words in _STATIONS]
    lines += [(), _title("Life: how an event is known, before its time")]
    for certainty, words in CERTAIN_WORDS.items():
        lines.append(_pair(f"{glyphs.certainties[certainty]} {certainty}", words, "text", glyphs))
    lines += [(), _title("Rates")]
    lines += [_pair(rate, words, "text", glyphs) for rate, words in _RATES]
    return lines


def _marks(glyphs: Glyphs) -> Sequence[Line]:
    by_mark: dict[tuple[str, str], list[str]] = {}
    for state, look in STATES.items():
        by_mark.setdefault((look.mark, look.role), []).append(state)
    return [_pair(glyphs.marks[mark], ", ".join(states), role, glyphs) for (mark, role), states in by_mark.items()]


def _title(text: str) -> Line:
    return (Span(f" {text}", "strong"),)


def _pair(left: str, right: str, role: str, glyphs: Glyphs) -> Line:
    return (Span("   " + clip(left, 21, glyphs), role), Span(right))
