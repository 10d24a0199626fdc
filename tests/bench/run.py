"""Measures `ipcinspect` against lsof, lsfd and ss: whole-process time and memory, all in one run, in turn.

The commands run A B C ... A B C ..., so that a disturbance hits all of them; medians are shown. Output goes to
/dev/null. The ratio to the C floor (one readlinkat for each descriptor) is what to compare across machines.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.workload import Size, compile_programs, descriptors_open, end_tidily_when_told_to, running_load

FLOOR = "C floor: readlinkat of each"
REFERENCE = "lsof -nPw +E"


class Sample(NamedTuple):
    """What one run of a command took."""

    wall_ms: float
    cpu_ms: float
    peak_mib: float


def measure(commands: Mapping[str, Sequence[str]], rounds: int, timed: str, directory: Path) -> dict[str, list[Sample]]:
    """Samples of every command, taken in turn after one round that is thrown away."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            sample = _sample(name, command, timed, directory)
            if number > 0:
                samples[name].append(sample)
    return samples


def _sample(name: str, command: Sequence[str], timed: str, directory: Path) -> Sample:
    result, complaints = directory / "result", directory / "complaints"
    with complaints.open("wb") as errors:
        subprocess.run(
            [timed, str(result), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment(directory),
            check=True,
        )
    wall, user, system, peak_kib, code = result.read_text().split()
    if code not in ("0", "1"):
        raise RuntimeError(f"{name} ended with {code}: {complaints.read_text(errors='replace')[-500:]}")
    return Sample(float(wall), float(user) + float(system), int(peak_kib) / 1024)


def environment(directory: Path) -> dict[str, str]:
    """The environment of an installed program: compiled modules are kept and used."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(directory / "pycache")}


def commands_to_compare(floors: str) -> dict[str, list[str]]:
    """Every command whose program is installed."""
    ours = [sys.executable, "-m", "ipcinspect"]
    installed = Path(sys.executable).with_name("ipcinspect")
    if installed.exists():
        ours = [str(installed)]
    commands = {
        FLOOR: [floors, "link"],
        REFERENCE: REFERENCE.split(),
        "lsof -nPw": ["lsof", "-nPw"],
        "lsfd": ["lsfd"],
        "ss -xp": ["ss", "-xp"],
        "ss -tuxp": ["ss", "-tuxp"],
        "ipcinspect list --json": [*ours, "list", "--json"],
        "ipcinspect list": [*ours, "list"],
        "ipcinspect why": [*ours, "why"],
    }
    return {name: command for name, command in commands.items() if shutil.which(command[0])}


def print_table(title: str, samples: Mapping[str, Sequence[Sample]]) -> None:
    """One row a command: medians, and ratios to the floor and to lsof; on a busy machine those of CPU time hold."""
    wall = {name: statistics.median(sample.wall_ms for sample in rows) for name, rows in samples.items()}
    cpu = {name: statistics.median(sample.cpu_ms for sample in rows) for name, rows in samples.items()}
    print(f"\n{title}\n")
    print(f"| {'command':<28} | ms | least | x floor | x lsof +E | CPU ms | x floor | x lsof +E | peak MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, rows in samples.items():
        least = min(sample.wall_ms for sample in rows)
        peak = statistics.median(sample.peak_mib for sample in rows)
        print(
            f"| {name:<28} | {wall[name]:.0f} | {least:.0f} | {_ratios(name, wall)} "
            f"| {cpu[name]:.0f} | {_ratios(name, cpu)} | {peak:.0f} |"
        )


def _ratios(name: str, figures: Mapping[str, float]) -> str:
    """To the floor and to lsof, as two cells."""
    others = (figures.get(FLOOR), figures.get(REFERENCE))
    return " | ".join(f"{figures[name] / other:.2f}" if other else "-" for other in others)


def print_parts(title: str) -> None:
    """What the parts of one look take, within one process of its own."""
    print(f"\n{title}\n")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "tests.bench.parts"], check=True)


def main() -> None:
    """Measure loaded, then idle, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-p", "--processes", type=int, default=Size().processes)
    parser.add_argument("-f", "--descriptors", type=int, default=Size().descriptors, help="of each process")
    parser.add_argument("-s", "--sysv", type=int, default=Size().sysv, help="System V objects of each kind")
    parser.add_argument("-n", "--rounds", type=int, default=7)
    options = parser.parse_args()
    end_tidily_when_told_to()
    size = Size(options.processes, options.descriptors, options.sysv)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        programs = compile_programs(directory)
        commands = commands_to_compare(programs["floors"])
        system = platform.uname()
        print(f"{system.release} {system.machine}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
        with running_load(programs["load"], size) as ready:
            title = f"Under load: {ready}; {descriptors_open()} descriptors open, medians of {options.rounds}"
            print_table(title, measure(commands, options.rounds, programs["timed"], directory))
            print_parts("The parts of one look under that load, in one process")
        idle = {"python -c pass": [sys.executable, "-c", "pass"], **commands}
        title = f"Idle: {descriptors_open()} descriptors open, medians of {options.rounds}"
        print_table(title, measure(idle, options.rounds, programs["timed"], directory))


if __name__ == "__main__":
    main()
