"""What the program must never do to the machine it looks at, checked by name over the source.

The lower floors look at other people's files. `stat` of a link's target asks a file server that may be dead, opening
a FIFO releases whoever waits for a partner, attaching a segment changes its record, tracing a process dissolves the
very deadlock one came to see. So whatever can touch a file is listed here with its reason, use by use.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.program import Use, files, names_used, short, texts, tree

LOOKERS = ("model", "kernel", "mechanisms", "collector.py")

TOUCHES_FILES = {
    "open", "io.open", "os.open", "os.stat", "os.lstat", "os.fstat", "os.statvfs", "os.access", "os.listdir",
    "os.scandir", "os.walk", "os.fwalk", "os.readlink", "os.truncate", "os.utime", "os.chmod", "os.chown",
    "os.getxattr", "os.listxattr",
}  # fmt: skip
TOUCHES_FILES_BELOW = ("os.path.", "pathlib.", "glob.", "shutil.", "fileinput.", "linecache.", "tempfile.")
PURE = {"os.path.basename", "os.path.dirname", "os.path.join", "os.path.normpath", "os.path.split"}

ALLOWED = {
    ("kernel/procfs.py", "os.open"): "a directory /proc/PID, fixed names below it that are no links, tables in /proc",
    ("kernel/procfs.py", "os.listdir"): "/proc itself",
    ("kernel/walk.py", "os.open"): "/proc/PID/task of a process whose first thread ended",
    ("kernel/walk.py", "os.listdir"): "/proc/PID/task of a process whose first thread ended",
    ("kernel/walk.py", "os.readlink"): "the text of /proc/PID/ns links",
    ("kernel/descriptors.py", "os.open"): "the directory /proc/PID/fd, never an entry of it",
    ("kernel/descriptors.py", "os.listdir"): "the directory /proc/PID/fd",
    ("kernel/descriptors.py", "os.readlink"): "the text of /proc/PID/fd links",
    ("kernel/descriptors.py", "os.lstat"): "the mode bits of the link itself: the direction of a pipe's end",
    ("kernel/namespaces.py", "os.open"): "/proc/PID/ns/net: a link into the kernel's own nsfs",
    ("kernel/namespaces.py", "os.fstat"): "of that same descriptor: is it still the namespace that was meant",
    ("kernel/passwd.py", "os.open"): "the user database, of this machine",
    ("kernel/host.py", "os.open"): "/proc/self",
    ("kernel/host.py", "os.readlink"): "the text of /proc/self/ns links",
    ("kernel/host.py", "open"): "/proc/stat and /proc/sys/kernel/random/boot_id",
    ("kernel/privileges.py", "open"): "settings below /proc/sys, /proc/self/status and /proc/self/mountinfo",
    ("kernel/interfaces.py", "open"): "/proc/sysvipc/shm, to see whether it is there",
    ("kernel/interfaces.py", "os.listdir"): "/proc/self/map_files, to see whether it is there",
    ("kernel/limits.py", "open"): "settings below /proc/sys/kernel",
    ("kernel/locks.py", "os.readlink"): "the text of /proc/self/ns/pid",
    ("kernel/calls.py", "os.open"): "the directory /proc/PID/task",
    ("kernel/calls.py", "os.listdir"): "the directory /proc/PID/task",
    ("kernel/present_memory.py", "os.open"): "/proc/PID/task/TID/pagemap",
    ("kernel/waiting.py", "os.readlink"): "the text of /proc/PID/ns/time links",
    ("kernel/sleepers.py", "os.listdir"): "/proc/PID/task",
    ("kernel/sleepers.py", "os.open"): "/proc/PID/task/TID/wchan",
    ("kernel/inotify.py", "os.readlink"): "the text of a /proc/PID/fd link: is it that pipe before, and still after",
    ("kernel/sockname.py", "os.readlink"): "the text of a /proc/PID/fd link: the name in a socket's entry",
    ("kernel/sockname.py", "os.getxattr"): "of a /proc/PID/fd entry that was a socket a moment before",
    ("mechanisms/scan.py", "open"): "/proc/sys: the port range",
    ("kernel/borrow.py", "os.open"): "the directory /proc/PID/fd, never an entry of it",
    ("kernel/borrow.py", "os.readlink"): "the text of a /proc/PID/fd link: is it still the same pipe",
    ("kernel/detached.py", "os.open"): "the root directory of a mount of our own that stands nowhere in the file tree",
    ("kernel/mqueue.py", "os.open"): "queues in such a mount; the mount point of one, past no file server",
    ("kernel/mqueue.py", "os.scandir"): "the directory of queues, which the kernel keeps",
    ("kernel/shm_files.py", "os.open"): "a tmpfs at /dev/shm, by steps past no file server; a regular file of it",
    ("kernel/shm_files.py", "os.scandir"): "the directory /dev/shm where it is a tmpfs",
    ("kernel/memory_reader.py", "os.open"): "/proc/PID/pagemap; memory of the kernel's own in map_files, O_PATH first",
    ("mechanisms/demo_attach.py", "os.stat"): "a demo process: is the path that the user named what was shown to him",
    ("mechanisms/demo_attach.py", "os.open"): "a demo process opens what the user named, was shown and said yes to",
    ("mechanisms/demo_attach.py", "os.fstat"): "of that same descriptor",
    ("mechanisms/demo_shm.py", "os.open"): "the demo makes its own object",
    ("mechanisms/posix_shm.py", "os.open"): "the demo opens its own object",
    ("mechanisms/fifo.py", "os.open"): "the demo opens the two ends of its own FIFO",
    ("mechanisms/mmap.py", "os.open"): "the demo makes and opens its own file",
}
"""Who may touch which files: below a /proc root, and by names that no other process chooses."""

NEVER_ANYWHERE = {
    "ptrace": "stops the process and dissolves the deadlock one came to see",
    "process_vm_writev": "writes into another process",
    "F_SETFL": "the flags belong to the open file description, hence to its owner",
    "F_SETPIPE_SZ": "changes the pipe for its owners",
    "SO_ERROR": "takes the owner's pending error away",
    "SO_PEEK_OFF": "moves the owner's own peeks",
    "inotify_add_watch": "goes where a link leads to, and waits there for a dead file server",
}
"""A name counts with and without underscores in front."""
BUT = {
    ("kernel/pipe_copy.py", "F_SETPIPE_SZ"): "of a pipe of our own, which takes the copy",
    ("kernel/inotify.py", "inotify_add_watch"): "of what was an anonymous pipe a moment before, in a thread to leave",
    ("mechanisms/demo_descriptors.py", "F_SETFL"): "of an end of the demo's own, in the process that has it",
    ("mechanisms/demo_waiting.py", "F_SETFL"): "of an end of the demo's own, in the process that has it",
    ("kernel/socket_copy.py", "SO_PEEK_OFF"): "read, so that a socket whose owner has set it is left alone",
}
"""Where one of these names may stand, and why."""
NEVER_IN_LOOKERS = ("subprocess.", "multiprocessing.", "os.fork", "os.posix_spawn", "os.system", "os.popen", "os.exec")


def test_files_are_touched_only_where_a_reason_is_given() -> None:
    unexplained = [use for use in _touching_uses() if (use.file, use.name) not in ALLOWED]
    assert not unexplained, "\n".join(map(str, unexplained))


def test_every_reason_still_has_its_use() -> None:
    used = {(use.file, use.name) for use in _touching_uses()}
    assert set(ALLOWED) <= used


def test_nothing_names_a_call_that_disturbs() -> None:
    found = [use for path in files() for use in (*_identifiers(path), *texts(path)) if _bare(use) in NEVER_ANYWHERE]
    unexplained = [use for use in found if (use.file, _bare(use)) not in BUT]
    assert not unexplained, "\n".join(map(str, unexplained))
    assert set(BUT) <= {(use.file, _bare(use)) for use in found}


def test_no_option_of_a_socket_is_set_by_those_who_look() -> None:
    """Only a demo sets one, of its own socket."""
    found = [
        use for path in files(*LOOKERS) for use in (*_identifiers(path), *texts(path)) if _bare(use) == "setsockopt"
    ]
    assert {use.file for use in found} <= {"mechanisms/tcp/demo.py"}, "\n".join(map(str, found))


def test_looking_starts_no_process_but_one_that_shares_the_reading() -> None:
    found = [use for path in files(*LOOKERS) for use in names_used(path) if use.name.startswith(NEVER_IN_LOOKERS)]
    assert [(use.file, use.name) for use in found] == [("kernel/halves.py", "os.fork")], "\n".join(map(str, found))


def _bare(use: Use) -> str:
    return use.name.rpartition(".")[2].lstrip("_")


def test_only_the_demos_and_run_start_processes() -> None:
    used = {use.file for path in files() for use in names_used(path) if use.name.startswith("subprocess.")}
    assert used == {"cli/started.py", "demo/breaking.py", "demo/process.py"}


def _touching_uses() -> list[Use]:
    return [
        use
        for path in files(*LOOKERS)
        for use in names_used(path)
        if use.name in TOUCHES_FILES or (use.name.startswith(TOUCHES_FILES_BELOW) and use.name not in PURE)
    ]


def _identifiers(path: Path) -> list[Use]:
    return [
        Use(short(path), node.lineno, node.attr if isinstance(node, ast.Attribute) else node.id)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.Attribute, ast.Name))
    ]
