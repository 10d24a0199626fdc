"""What a process runs in, from its cgroup path (cgroups(7)): a container, or a unit of systemd.

The path is a convention of each container engine, not a fact that the kernel keeps: who may make cgroups (root, and a
user below his own slice) may give one the name of a container. The innermost container counts. The host itself, the
first process (`init.scope`) and mere slices are nothing to run in.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

_PATTERNS = (
    ("docker", re.compile(r"(?:/docker/|/docker-)([0-9a-f]{12,64})(?:\.scope)?")),
    ("podman", re.compile(r"/libpod-(?:conmon-|payload-)?([0-9a-f]{12,64})(?:\.scope)?")),
    ("containerd", re.compile(r"/(?:cri-containerd-|cri-containerd:|nerdctl-)([0-9a-f]{12,64})(?:\.scope)?")),
    ("cri-o", re.compile(r"/crio-(?:conmon-)?([0-9a-f]{12,64})(?:\.scope)?")),
    ("kubernetes", re.compile(r"/kubepods[^\0\n]{0,400}/([0-9a-f]{64})")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./]([^/\n]+)")),
    ("libvirt", re.compile(r"/machine-((?:qemu|lxc)\\x2d[^/\n]+)\.scope")),
    ("nspawn", re.compile(r"/machine-([^/\n]+)\.scope|/systemd-nspawn@([^/\n]+)\.service")),
)
"""Of several that end at one place the first counts."""
_SHORT_ID = 12
_UNITS = (".service", ".scope", ".socket", ".mount", ".swap")
_USER_MANAGER = re.compile(r"user@(\d{1,10})\.service")
_FIRST_PROCESS = "init.scope"
_OF_SYSTEMD = ("", "name=systemd")
"""The controllers of the lines in which systemd keeps its units: of cgroup v2, and of its own v1 hierarchy."""
_REMEMBERED_BYTES = 1024
_GONE = " (deleted)"


def parse_container(text: bytes) -> str | None:
    """`docker:1f2e3d4c5b6a` or `systemd:nginx.service` for the text of /proc/PID/cgroup; None for the host."""
    return _remembered(text) if len(text) <= _REMEMBERED_BYTES else _parse(text)


def _parse(text: bytes) -> str | None:
    decoded = os.fsdecode(text)
    if decoded.count(":/\n") == decoded.count("\n"):
        return None
    lines = [line.split(":", 2) for line in decoded.split("\n")]
    paths = dict.fromkeys(line[2].removesuffix(_GONE) for line in lines if len(line) == 3 and len(line[2]) > 1)
    for path in paths:
        container = _container(path)
        if container is not None:
            return container
    for line in lines:
        if len(line) == 3 and line[1] in _OF_SYSTEMD:
            unit = _unit(line[2].removesuffix(_GONE))
            if unit is not None:
                return f"systemd:{unit}"
    return None


_remembered = lru_cache(maxsize=512)(_parse)
"""Processes of one unit or container have one text."""


def _container(path: str) -> str | None:
    """The innermost container of a path."""
    found: tuple[int, str, str] | None = None
    for engine, pattern in _PATTERNS:
        for match in pattern.finditer(path):
            end = match.end(match.lastindex or 0)
            if found is None or end > found[0]:
                found = end, engine, match.group(match.lastindex or 0)
    if found is None:
        return None
    _, engine, name = found
    is_id = len(name) >= _SHORT_ID and all(char in "0123456789abcdef" for char in name)
    return f"{engine}:{name[:_SHORT_ID] if is_id else name}"


def _unit(path: str) -> str | None:
    """The unit of a path. What lies below a unit is its own business; below a user's manager lie the user's units."""
    manager = None
    for name in path.split("/"):
        if not name.endswith(_UNITS):
            continue
        found = _USER_MANAGER.fullmatch(name) if manager is None else None
        if found is None:
            if name == _FIRST_PROCESS:
                return manager
            return name if manager is None else f"{manager.removesuffix('.service')}/{name}"
        manager = name
    return manager
