"""What the parts of one look take, within one process: medians of several looks, the first one apart."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections import defaultdict

from ipcinspect.inspector import Inspector
from ipcinspect.sources.live import LiveSource

LOOKS = 7


def main(looks: int) -> None:
    """Look that often and print a table."""
    inspector = Inspector(LiveSource())
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(looks):
        start = time.perf_counter()
        observation = inspector.observe()
        spent["whole observation"].append(time.perf_counter() - start)
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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LOOKS)
