"""The stage track: seven stages on a line of any width."""

from __future__ import annotations

import pytest

from ipcinspect.lifecycle.stages import STATUSES, Station
from ipcinspect.model.words import STAGES
from ipcinspect.tui.drawing import Line, length
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.stage_track import track_lines

FACTS = ("4m12 ago", "text", "full 2m10", "2m10 ago", "2m10 ago", "one way", "2+1 open")
AT = ("done", "done", "stuck", "done", "done", "none", "ahead")
STATIONS = tuple(map(Station, STAGES, AT, FACTS))


def drawn(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_the_track_is_drawn_as_designed_at_80_cells() -> None:
    assert drawn(track_lines(STATIONS, 79, UNICODE)) == [
        " ●━━━━━━━━━━●━━━━━━━━━━■┈┈┈┈┈┈┈┈┈┈●━━━━━━━━━━●━━━━━━━━━━·┈┈┈┈┈┈┈┈┈┈○",
        " 1 create   2 prepare  3 transmit 4 deliver  5 receive  6 respond  7 close",
        " 4m12 ago   text       full 2m10  2m10 ago   2m10 ago   one way    2+1 open",
    ]


def test_steps_with_room_have_the_nouns() -> None:
    nodes, names, facts = drawn(track_lines(STATIONS, 119, UNICODE))
    assert [names.index(f"{place + 1} {stage}") for place, stage in enumerate(STAGES)] == [
        1 + 16 * place for place in range(7)
    ]
    assert [nodes[1 + 16 * place] for place in range(7)] == list("●●■●●·○")
    assert facts[1 + 16 * 6 :] == "2+1 open"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [*range(90), 119, 139, 199, 300])
def test_the_track_fits_every_width_and_every_stage_is_on_it(width: int, glyphs: Glyphs) -> None:
    lines = track_lines(STATIONS, width, glyphs)
    assert all(length(line) <= max(width, 1) for line in lines)
    if width >= 12:
        marks = [glyphs.stations[status] for status in AT]
        if len(lines) == 3:
            step = drawn(lines)[0].index(marks[1], 2) - 1
            assert [drawn(lines)[0][1 + step * place] for place in range(7)] == marks
        else:
            assert [line[1] for line in drawn(lines)] == marks


def test_stages_read_without_numbers_where_steps_are_small_and_below_each_other_where_there_is_no_room() -> None:
    assert (
        drawn(track_lines(STATIONS, 62, UNICODE))[1] == " create   prepare  transmit deliver  receive  respond  close"
    )
    assert drawn(track_lines(STATIONS, 30, UNICODE))[2:4] == [" ■ transmit full 2m10", " ● deliver  2m10 ago"]


def test_an_ascii_track_is_ascii_and_tells_every_status() -> None:
    stations = tuple(Station(stage, status, "") for stage, status in zip(STAGES, STATUSES, strict=False))
    nodes, _, _ = drawn(track_lines(stations, 79, ASCII))
    assert nodes.isascii()
    assert len(set(ASCII.stations.values())) == len(STATUSES) == len(set(UNICODE.stations.values()))
    assert nodes[1] == "*"
    assert nodes[2] == "="
