"""What this process is allowed: capabilities, Yama, seccomp, the options of the /proc mount; and what would allow more.

Read from /proc alone. What each one hides is told in the sentence; the remedies are commands to type as they stand.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from ipcinspect.kernel.sighting import Sighting

_LIMIT = 65536


class Capability(NamedTuple):
    """One capability (capabilities(7)) that shows more."""

    name: str
    bit: int
    hides: str
    """What stays hidden without it."""


CAPABILITIES = (
    Capability("CAP_SYS_PTRACE", 19, "descriptors, mappings, namespaces and contents of other users' processes"),
    Capability("CAP_DAC_READ_SEARCH", 2, "the same: /proc/PID/fd of another user cannot be listed"),
    Capability("CAP_SYS_ADMIN", 21, "objects in other namespaces, POSIX queues that nobody has open, map_files"),
    Capability("CAP_IPC_OWNER", 15, "System V messages and semaphore values that their mode keeps from you"),
)
"""Those that make a difference; the first two do so only together."""
_PTRACE = CAPABILITIES[0]


class Rights(NamedTuple):
    """What the texts of /proc say of this process."""

    uid: int
    capabilities: int
    """The effective ones, as a bit set."""
    seccomp: str
    no_new_privs: bool

    def has(self, capability: Capability) -> bool:
        """Whether it is in effect."""
        return bool(self.capabilities >> capability.bit & 1)

    @property
    def missing(self) -> tuple[Capability, ...]:
        """Those of CAPABILITIES that are not in effect."""
        return tuple(each for each in CAPABILITIES if not self.has(each))


def read_rights(root: str) -> Rights:
    """Of this process; nothing but its user id where /proc does not say."""
    return parse_rights(text_of(f"{root}/self/status"), os.geteuid())


def parse_rights(status: str, uid: int) -> Rights:
    """The rights in the text of /proc/PID/status; `uid` where it does not say."""
    uids = (_field(status, "Uid") or "").split()
    return Rights(
        int(uids[1]) if len(uids) > 1 and uids[1].isascii() and uids[1].isdecimal() else uid,
        _hexadecimal(_field(status, "CapEff")),
        _field(status, "Seccomp") or "0",
        _field(status, "NoNewPrivs") == "1",
    )


def as_root() -> str:
    """The command that runs this very program as root: sudo looks in a path of its own for plain names."""
    return f"sudo {sys.executable or 'python3'} -m ipcinspect"


def root_if_it_helps(rights: Rights) -> str | None:
    """The command to see more as root; None for root, for who has all that root has, and where sudo has no effect."""
    return None if rights.uid == 0 or rights.no_new_privs or not rights.missing else as_root()


def sightings(root: str) -> list[Sighting]:
    """All answers."""
    rights = read_rights(root)
    return [
        *_privilege(rights),
        _hidepid(text_of(f"{root}/self/mountinfo"), root, rights),
        _yama(text_of(f"{root}/sys/kernel/yama/ptrace_scope").strip(), rights),
        _seccomp(rights),
    ]


def _privilege(rights: Rights) -> list[Sighting]:
    missing = rights.missing
    if not missing:
        return [Sighting("privilege", "yes", f"uid {rights.uid} with all the capabilities that are of use", None)]
    detail = f"uid {rights.uid} without {', '.join(each.name for each in missing)}"
    if rights.no_new_privs:
        detail += "; no_new_privs is set: neither sudo nor setcap has an effect on what is started here"
    lines = [Sighting("privilege", "partly", detail, root_if_it_helps(rights))]
    lines += [Sighting(each.name, "no", f"missing; without it hidden: {each.hides}", None) for each in missing]
    if rights.uid != 0 and not rights.no_new_privs:
        lines.append(Sighting("without sudo", "no", _WITHOUT_SUDO, _setcap(missing)))
    return lines


_WITHOUT_SUDO = (
    "a copy of Python can hold capabilities (not a link, as in most venvs; not on a nosuid mount). Whoever may run "
    "that copy can then read every file and change every process: keep it yours alone"
)


def _setcap(missing: tuple[Capability, ...]) -> str:
    """Beside the interpreter of a venv, so that the copy finds the same one (pyvenv.cfg); 0700 before it has rights."""
    python = sys.executable or "python3"
    copy = f"{python}-ipc" if sys.prefix != sys.base_prefix else "~/python-ipc"
    words = ",".join(each.name.lower() for each in missing)
    return f"install -m 700 $(readlink -f {python}) {copy} && sudo setcap {words}+ep {copy} && {copy} -m ipcinspect"


def _hidepid(mountinfo: str, root: str, rights: Rights) -> Sighting:
    options = parse_proc_options(mountinfo, root)
    hidden = next((option for option in options if option.startswith("hidepid=")), "hidepid=0")
    if hidden in ("hidepid=0", "hidepid=off"):
        return Sighting("hidepid", "yes", "the /proc mount hides no process", None)
    group = next((option[4:] for option in options if option.startswith("gid=")), None)
    told = f"/proc is mounted with {hidden}: "
    if rights.has(_PTRACE):
        return Sighting("hidepid", "yes", f"{told}processes of other users are seen all the same", None)
    what = "only names of" if hidden in ("hidepid=1", "hidepid=noaccess") else "not seen are"
    detail = f"{told}{what} processes of other users"
    if group is not None and group != "0":
        detail += f"; members of group {group} see them"
    return Sighting("hidepid", "no", detail, root_if_it_helps(rights))


def parse_proc_options(mountinfo: str, root: str) -> list[str]:
    """Mount and file system options of the uppermost proc mounted at `root`."""
    options: list[str] = []
    for line in mountinfo.splitlines():
        cells = line.split(" ")
        if len(cells) > 9 and cells[4] == root and "-" in cells:
            dash = cells.index("-")
            options = [*cells[5].split(","), *cells[-1].split(",")] if cells[dash + 1 : dash + 2] == ["proc"] else []
    return options


_WHAT_YAMA_HIDES = "how full pipes are, what is in channels and memory"


def _yama(scope: str, rights: Rights) -> Sighting:
    """ptrace_scope of security/yama (Documentation/admin-guide/LSM/Yama.rst): calls that could attach are refused."""
    if scope in ("", "0"):
        return Sighting("yama", "yes", "no Yama restriction on looking into processes", None)
    if scope not in ("1", "2"):
        detail = f"ptrace_scope is {scope}: {_WHAT_YAMA_HIDES} can be asked of nobody, also by root, until a reboot"
        return Sighting("yama", "no", detail, None)
    if rights.has(_PTRACE):
        return Sighting("yama", "yes", f"ptrace_scope is {scope}; CAP_SYS_PTRACE passes it", None)
    sudo = root_if_it_helps(rights)
    if scope == "2":
        detail = f"ptrace_scope is 2: {_WHAT_YAMA_HIDES} can be asked with CAP_SYS_PTRACE alone"
        return Sighting("yama", "no", detail, sudo)
    detail = f"ptrace_scope is 1: {_WHAT_YAMA_HIDES} can be asked of what this program itself started alone"
    return Sighting("yama", "partly", detail, " or ".join(filter(None, ("ipcinspect run -- CMD", sudo))))


def _seccomp(rights: Rights) -> Sighting:
    if rights.seccomp == "0":
        return Sighting("seccomp", "yes", "no system call filter around this program", None)
    detail = "a system call filter around this program may refuse some questions; the lines below were asked through it"
    return Sighting("seccomp", "partly", detail, "start it outside of the container or sandbox")


def text_of(path: str) -> str:
    """A table of the kernel; empty where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return os.fsdecode(file.read(_LIMIT))
    except OSError:
        return ""


def _field(status: str, name: str) -> str | None:
    for line in status.splitlines():
        if line.startswith(name + ":"):
            return line[len(name) + 1 :].strip()
    return None


def _hexadecimal(text: str | None) -> int:
    try:
        return int(text, 16) if text else 0
    except ValueError:
        return 0
