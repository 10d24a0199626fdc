"""Programs that are broken on purpose, one file for each way: to look at, and for the rules to be tried on."""

from __future__ import annotations

from ipcinspect.demo.broken import (
    close_wait,
    crossed_pipes,
    dead_owner,
    fifo_open,
    file_locks,
    full_datagrams,
    inherited_listener,
    kept_end,
    lost_reader,
    many_descriptors,
    many_queues,
    marked_segment,
    not_accepting,
    open_to_all,
    orphan,
    own_write_end,
    pipeline,
    unlinked_memory,
    wait_before_read,
)
from ipcinspect.demo.broken.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    crossed_pipes.SCENARIO,
    own_write_end.SCENARIO,
    wait_before_read.SCENARIO,
    file_locks.SCENARIO,
    dead_owner.SCENARIO,
    fifo_open.SCENARIO,
    kept_end.SCENARIO,
    full_datagrams.SCENARIO,
    not_accepting.SCENARIO,
    close_wait.SCENARIO,
    inherited_listener.SCENARIO,
    lost_reader.SCENARIO,
    pipeline.SCENARIO,
    many_descriptors.SCENARIO,
    many_queues.SCENARIO,
    orphan.SCENARIO,
    marked_segment.SCENARIO,
    unlinked_memory.SCENARIO,
    open_to_all.SCENARIO,
)
