"""Which container a process runs in, from its cgroup path (cgroups(7)): a convention of each container engine."""

from __future__ import annotations

import os
import re

_PATTERNS = (
    ("docker", re.compile(r"(?:/docker/|/docker-)([0-9a-f]{12,64})(?:\.scope)?")),
    ("podman", re.compile(r"/libpod-(?:conmon-)?([0-9a-f]{12,64})(?:\.scope)?")),
    ("containerd", re.compile(r"/(?:cri-containerd-|cri-containerd:)([0-9a-f]{12,64})(?:\.scope)?")),
    ("cri-o", re.compile(r"/crio-(?:conmon-)?([0-9a-f]{12,64})(?:\.scope)?")),
    ("kubernetes", re.compile(r"/kubepods[^\0\n]{0,400}/([0-9a-f]{64})")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./]([^/\n]+)")),
    ("nspawn", re.compile(r"/machine-([^/\n]+)\.scope")),
)
_SHORT_ID = 12


def parse_container(text: bytes) -> str | None:
    """`docker:1f2e3d4c5b6a` and the like for the text of /proc/PID/cgroup; None for a process of the host."""
    decoded = os.fsdecode(text)
    if decoded.count(":/\n") == decoded.count("\n"):
        return None
    for engine, pattern in _PATTERNS:
        found = pattern.search(decoded)
        if found:
            name = found.group(1)
            is_id = len(name) >= _SHORT_ID and all(char in "0123456789abcdef" for char in name)
            return f"{engine}:{name[:_SHORT_ID] if is_id else name}"
    return None
