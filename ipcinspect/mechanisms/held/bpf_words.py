"""Names of the types of BPF maps and programs, by number (bpf(2), include/uapi/linux/bpf.h)."""

from __future__ import annotations

MAP_TYPES = (
    "unspecified", "hash", "array", "prog-array", "perf-event-array", "percpu-hash", "percpu-array", "stack-trace",
    "cgroup-array", "lru-hash", "lru-percpu-hash", "lpm-trie", "array-of-maps", "hash-of-maps", "devmap", "sockmap",
    "cpumap", "xskmap", "sockhash", "cgroup-storage", "reuseport-sockarray", "percpu-cgroup-storage", "queue",
    "stack", "sk-storage", "devmap-hash", "struct-ops", "ringbuf", "inode-storage", "task-storage", "bloom-filter",
    "user-ringbuf", "cgrp-storage", "arena",
)  # fmt: skip

PROGRAM_TYPES = (
    "unspecified", "socket-filter", "kprobe", "sched-cls", "sched-act", "tracepoint", "xdp", "perf-event",
    "cgroup-skb", "cgroup-sock", "lwt-in", "lwt-out", "lwt-xmit", "sock-ops", "sk-skb", "cgroup-device", "sk-msg",
    "raw-tracepoint", "cgroup-sock-addr", "lwt-seg6local", "lirc-mode2", "sk-reuseport", "flow-dissector",
    "cgroup-sysctl", "raw-tracepoint-writable", "cgroup-sockopt", "tracing", "struct-ops", "ext", "lsm",
    "sk-lookup", "syscall", "netfilter",
)  # fmt: skip


def type_name(names: tuple[str, ...], number: int) -> str:
    """The name of a type; its number where it is newer than these lists."""
    return names[number] if 0 <= number < len(names) else f"type {number}"
