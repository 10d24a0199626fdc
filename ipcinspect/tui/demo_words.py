"""What the Demo screen says in words: of each mechanism, of each stage, and where one meets it in real life."""

from __future__ import annotations

from collections.abc import Mapping

FORMAT_WORDS: Mapping[str, str] = {"json": "JSON", "struct": "struct", "raw": "raw"}
"""By the words of `plan.FORMATS`, as they are written in a sentence."""

MECHANISM_WORDS: Mapping[str, str] = {
    "pipe": "bytes in order, one way, between processes that inherited its two ends (pipe(7))",
    "fifo": "a pipe with a name in the file system: whoever may open the name takes part (fifo(7))",
    "unix": "a connection inside this machine, both ways, with the identity of the other side (unix(7))",
    "tcp": "a connection both ways, also to other machines: what is lost is sent again (tcp(7))",
    "udp": "single messages, also to other machines, that may get lost (udp(7))",
    "sysv-msg": "a queue of messages with types in the kernel, which outlives its users (sysvipc(7))",
    "sysv-sem": "counters in the kernel that processes raise, lower and wait for (sysvipc(7))",
    "sysv-shm": "memory that several processes attach, known by a key (sysvipc(7))",
    "posix-mq": "a queue of messages with priorities and a name (mq_overview(7))",
    "posix-shm": "memory with a name, mapped by several processes (shm_overview(7))",
    "posix-sem": "one counter with a name that processes raise, lower and wait for (sem_overview(7))",
    "memfd": "memory without a name, handed on as a descriptor (memfd_create(2))",
    "shared-anon": "memory that a parent and its children share across fork(2) (mmap(2))",
    "mmap": "one file mapped by both: what one writes the other sees (mmap(2))",
    "eventfd": "a counter behind a descriptor: one side adds, the other takes (eventfd(2))",
    "pty": "a terminal made of software: its master is the program, its slave the shell's end (pty(7))",
}
"""What it is, in one line."""

STAGE_WORDS: Mapping[str, str] = {
    "creation": "the kernel makes the channel; both sides get a number, a name or memory for it.",
    "preparation": "the sender turns its value into bytes; their size is held against what the channel takes.",
    "transmission": "the sender hands the bytes over; the kernel keeps them, or they lie in memory that both see.",
    "delivery": "the kernel lets the receiver know; it wakes up, or is told that it may read.",
    "reception": "the receiver takes the bytes; it turns them into a value and checks it.",
    "response": "the receiver answers; that goes through the same channel or through another one.",
    "termination": "both let go; the kernel frees what the channel took, and nothing is left.",
}
"""What happens in it. Up to the semicolon it stands by itself, where there is no room for more."""

COUNT_WORDS: Mapping[str, str] = {
    "preparation": "it carries no bytes; that something happened is all there is to tell.",
    "transmission": "the sender raises it; the kernel counts.",
    "reception": "the receiver takes from it; what is not there yet it waits for.",
}
"""What happens there instead where nothing but a count goes through."""


def stage_words(stage: str, carries_payload: bool) -> str:
    """What happens in a stage."""
    return STAGE_WORDS[stage] if carries_payload else COUNT_WORDS.get(stage, STAGE_WORDS[stage])


REAL_LIFE: Mapping[str, str] = {
    "creation": "a program that stops here shows as {opening} on Channels: it waits for a partner.",
    "preparation": "what lies in a live channel is looked at with p on Channels: text, JSON or bytes.",
    "transmission": "a program that stops here shows as {full} on Channels: its partner does not read.",
    "delivery": "a program that stops here leaves its channel {holding}: data waits, nobody takes it.",
    "reception": "a reader that is too slow shows as a FILL that grows from look to look.",
    "response": "two programs that each wait for the other's answer stop here, and neither goes on by itself.",
    "termination": "an end that somebody forgot to close: no EOF for the reader, {orphaned} for a queue or memory.",
}
"""Where one meets it; a word in braces is a state, drawn as on Channels."""

FAULT_REAL_LIFE: Mapping[str, str] = {
    "denied": "whoever may not is told so at once; owner and permission bits stand among the Fields of a channel.",
    "emfile": "a program at its limit lives on, but opens and accepts nothing more; Processes counts descriptors.",
    "limit": "who asks for one more is refused; those that are there go on as before.",
    "too-big": "the sender alone hears of it; the receiver never knows that there was something.",
    "corrupt": "only who reads notices; what lies in a live channel is looked at with p on Channels.",
    "receiver-killed": "{no-reader} for a pipe, {half-closed} for a connection; queues, memory, counts show nothing.",
    "sender-killed": "{no-writer} for a pipe, {half-closed} for a connection; queues, memory, counts show nothing.",
    "owner-dies": "who sleeps for a lock whose owner is gone may wait for good: ipcinspect check names such locks.",
}
"""... where a fault shows that differs from what one usually meets at its stage."""
