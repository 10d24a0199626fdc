"""What hides things from us is named, with what helps: Yama, hidepid, seccomp, capabilities of machines we lack."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ipcinspect.kernel.doctor import Counts, Reached, sightings
from ipcinspect.kernel.privileges import CAPABILITIES, Rights, as_root, parse_rights
from ipcinspect.kernel.sighting import Sighting

EVERYTHING = (1 << 41) - 1
SUDO = f"sudo {sys.executable} -m ipcinspect"
ALL = Counts(Reached(5, 5), Reached(1, 1), Reached(1, 1))


class Machine:
    """A /proc that says what a test wants of an observer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "self/map_files").mkdir(parents=True)
        (root / "sysvipc").mkdir()
        (root / "sysvipc/shm").write_text("key shmid")
        (root / "sys/kernel/yama").mkdir(parents=True)
        self.observer()
        self.mounted("rw")

    def observer(self, uid: int = 1000, capabilities: int = 0, seccomp: int = 0, no_new_privs: int = 0) -> None:
        """Who looks."""
        (self.root / "self/status").write_text(
            f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nCapEff:\t{capabilities:016x}\n"
            f"NoNewPrivs:\t{no_new_privs}\nSeccomp:\t{seccomp}\n"
        )

    def mounted(self, options: str) -> None:
        """The proc mount."""
        line = f"21 1 0:20 / {self.root} rw,relatime - proc proc {options}\n"
        (self.root / "self/mountinfo").write_text("20 1 8:1 / / rw - ext4 /dev/sda rw\n" + line)

    def yama(self, scope: str) -> None:
        """Yama's switch."""
        (self.root / "sys/kernel/yama/ptrace_scope").write_text(scope + "\n")

    def told(self, counts: Counts = ALL) -> dict[str, Sighting]:
        """By subject."""
        return {each.subject: each for each in sightings(str(self.root), "6.1", counts)}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("scope", "capabilities", "verdict", "remedy"),
    [
        ("0", 0, "yes", None),
        ("1", 0, "partly", f"ipcinspect run -- CMD or {SUDO}"),
        ("1", EVERYTHING, "yes", None),
        ("2", 0, "no", SUDO),
        ("2", EVERYTHING, "yes", None),
        ("3", 0, "no", None),
        ("3", EVERYTHING, "no", None),
        ("junk\x1b[31m", EVERYTHING, "no", None),
    ],
)
def test_yama_hides_what_its_scope_says_and_scope_three_also_from_root(
    machine: Machine, scope: str, capabilities: int, verdict: str, remedy: str | None
) -> None:
    machine.observer(0 if capabilities else 1000, capabilities)
    machine.yama(scope)
    yama = machine.told()["yama"]
    assert (yama.verdict, yama.remedy) == (verdict, remedy)
    if verdict != "yes":
        assert "how full pipes are" in yama.detail


def test_without_yama_nothing_is_hidden_by_it(machine: Machine) -> None:
    assert machine.told()["yama"].verdict == "yes"


@pytest.mark.parametrize(
    ("options", "capabilities", "verdict", "said"),
    [
        ("rw", 0, "yes", "hides no process"),
        ("rw,hidepid=0", 0, "yes", "hides no process"),
        ("rw,hidepid=1", 0, "no", "only names of processes of other users"),
        ("rw,hidepid=noaccess", 0, "no", "only names of"),
        ("rw,gid=27,hidepid=2", 0, "no", "not seen are processes of other users; members of group 27 see them"),
        ("rw,hidepid=invisible", 0, "no", "not seen are"),
        ("rw,hidepid=ptraceable", 0, "no", "not seen are"),
        ("rw,hidepid=2", EVERYTHING, "yes", "seen all the same"),
    ],
)
def test_a_proc_mount_that_hides_is_told(
    machine: Machine, options: str, capabilities: int, verdict: str, said: str
) -> None:
    machine.observer(1000, capabilities)
    machine.mounted(options)
    hidepid = machine.told()["hidepid"]
    assert hidepid.verdict == verdict
    assert said in hidepid.detail
    assert hidepid.remedy == (SUDO if verdict == "no" else None)


@pytest.mark.parametrize("missing", CAPABILITIES, ids=lambda each: each.name)
def test_each_missing_capability_says_what_it_hides(machine: Machine, missing: object) -> None:
    (lacking,) = [each for each in CAPABILITIES if each == missing]
    machine.observer(1000, EVERYTHING & ~(1 << lacking.bit))
    told = machine.told()
    assert [each.name for each in CAPABILITIES if each.name in told] == [lacking.name]
    assert lacking.hides in told[lacking.name].detail
    assert (told["privilege"].verdict, told["privilege"].remedy) == ("partly", SUDO)
    remedy = told["without sudo"].remedy
    assert remedy is not None
    assert f"setcap {lacking.name.lower()}+ep" in remedy
    assert "-m 700" in remedy


def test_who_has_all_capabilities_is_told_of_none(machine: Machine) -> None:
    machine.observer(1000, EVERYTHING)
    told = machine.told(Counts(Reached(4, 5), Reached(1, 1), Reached(1, 1)))
    assert told["privilege"].verdict == "yes"
    assert not [each for each in CAPABILITIES if each.name in told]
    assert (told["processes"].verdict, told["processes"].remedy) == ("partly", None), "root would see no more"


def test_where_no_new_privileges_can_be_had_no_command_is_promised(machine: Machine) -> None:
    machine.observer(1000, 0, no_new_privs=1)
    machine.yama("1")
    told = machine.told(Counts(Reached(1, 5), Reached(1, 2), Reached(1, 3)))
    assert "no_new_privs" in told["privilege"].detail
    assert not [each for each in told.values() if each.remedy and "-m ipcinspect" in each.remedy]
    assert told["yama"].remedy == "ipcinspect run -- CMD"


def test_a_root_without_capabilities_is_not_sent_to_sudo(machine: Machine) -> None:
    machine.observer(0, 0)
    told = machine.told()
    assert told["privilege"].verdict == "partly"
    assert told["privilege"].remedy is None
    assert "without sudo" not in told


@pytest.mark.parametrize(("mode", "verdict"), [(0, "yes"), (2, "partly")])
def test_a_system_call_filter_is_told(machine: Machine, mode: int, verdict: str) -> None:
    machine.observer(seccomp=mode)
    assert machine.told()["seccomp"].verdict == verdict


def test_namespaces_are_told_by_their_numbers(machine: Machine) -> None:
    told = machine.told(Counts(Reached(5, 5), Reached(1, 1, 7), Reached(2, 2)))
    assert (told["network namespaces"].verdict, told["IPC namespaces"].verdict) == ("partly", "yes")
    assert "in which 7 processes live is not known" in told["network namespaces"].detail
    told = machine.told(Counts(Reached(5, 5), Reached(2, 3), Reached(1, 4)))
    assert (told["network namespaces"].verdict, told["IPC namespaces"].verdict) == ("partly", "partly")
    assert "2 of 3" in told["network namespaces"].detail
    assert "1 of 4" in told["IPC namespaces"].detail


def test_a_kernel_without_system_v_says_so(machine: Machine) -> None:
    (machine.root / "sysvipc/shm").unlink()
    assert machine.told()["System V IPC"].verdict == "no"


def test_map_files_need_a_capability(machine: Machine) -> None:
    for capability, verdict in ((0, "no"), (1 << 40, "yes"), (1 << 21, "yes")):
        machine.observer(1000, capability)
        assert machine.told()["map_files"].verdict == verdict


@pytest.mark.parametrize("status", ["", "Uid:\nCapEff:\tzz\nSeccomp:\n", "CapEff:", "Uid:\tx\ty"])
def test_a_status_that_says_nothing_gives_no_rights(status: str) -> None:
    assert parse_rights(status, 7) == Rights(7, 0, "0", False)


def test_the_command_runs_this_very_program() -> None:
    assert as_root().startswith(f"sudo {sys.executable} ")
