"""What the parts of one look take, within one process: medians of several looks, the first one apart."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource

LOOKS = 7


def main(looks: int, wanted: Sequence[str] = ()) -> None:
    """Look that often and print a table; `waits`: also what all threads wait for, and the verdict."""
    inspector = Inspector(LiveSource())
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(looks):
        start = time.perf_counter()
        observation = inspector.observe(Want(waits="waits" in wanted))
        spent["whole observation"].append(time.perf_counter() - start)
        if wanted:
            judging = time.perf_counter()
            assert observation.findings is not None
            spent["graph and rules"].append(time.perf_counter() - judging)
        spent["of it the snapshot"].append(observation.snapshot.duration_s)
        for cost in observation.snapshot.costs:
            spent[cost.part].append(cost.seconds)
    snapshot = observation.snapshot
    print("| part | first ms | median ms |")
    print("|---|---|---|")
    for part, times in spent.items():
        print(f"| {part} | {times[0] * 1e3:.1f} | {statistics.median(times[1:]) * 1e3:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{len(snapshot.channels)} channels, {len(snapshot.processes)} processes, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LOOKS, sys.argv[2:])
