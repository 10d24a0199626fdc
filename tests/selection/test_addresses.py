"""Channel addresses: every form a user may type, and what is said where none fits."""

from __future__ import annotations

import pytest

from ipcinspect.model.channel import Channel, Namespaces
from ipcinspect.selection.absence import explain_channel, explain_process
from ipcinspect.selection.addresses import clients_of, find
from tests.fakes import channel, endpoint, pipe, process, snapshot

MAKE, TEE, NGINX = process(2211, "make"), process(2212, "tee"), process(4402, "nginx", uid=33)
SECRET = process(790, "sshd", uid=0, readable=False)
PIPE = pipe(123, MAKE, TEE)
LISTENER = channel(
    77, "unix", "listening", [endpoint("b", "listener", NGINX, 3, 77, "/run/app.sock")], name="/run/app.sock"
)
ACCEPTED = channel(
    81,
    "unix",
    "idle",
    [endpoint("a", "client", MAKE, 5, 81), endpoint("b", "server", NGINX, 9, 82, "/run/app.sock")],
    name="/run/app.sock",
    aliases=["socket:[82]"],
)
ABSTRACT = channel(90, "unix", "listening", [endpoint("b", "listener", TEE, 4, 90, "@bus\n")], name="@bus\n")
TCP_LISTENER = channel(
    100, "tcp", "listening", [endpoint("b", "listener", NGINX, 6, 100, "0.0.0.0:80")], name="0.0.0.0:80"
)
TCP_PAIR = channel(
    101,
    "tcp",
    "idle",
    [
        endpoint("a", "client", None, None, None, "10.0.0.9:5555"),
        endpoint("b", "server", NGINX, 7, 101, "10.0.0.1:80"),
    ],
    name="10.0.0.1:80",
)
TCP_OTHER = channel(102, "tcp", "idle", [endpoint("b", "server", NGINX, 8, 102, "10.0.0.1:80")], name="10.0.0.1:80")
QUEUE = channel(7, "sysv-msg", id="sysv-msg:7", name="0x00005151", namespaces=Namespaces(ipc=1))
FOREIGN = channel(8, "sysv-msg", id="sysv-msg:7@ipc:[2]", name="0x00005151", namespaces=Namespaces(ipc=2))
SET = channel(9, "sysv-sem", id="sysv-sem:9@ipc:[2]", namespaces=Namespaces(ipc=2))
MAPPED = channel(9, "mmap", id="mmap:[254:0:9]", name="/srv/data")
FIFO = channel(10, "fifo", id="fifo:[254:0:10]", name="/srv/[fifo]")
PLAYER = channel(11, "posix-mq", id="posix-mq:/play", name="/play")
OBJECT = channel(12, "posix-shm", id="posix-shm:/x", name="/x", aliases=["posix-shm:[0:27:4]", "/dev/shm/x"], queues=())
THEIRS = channel(13, "posix-shm", id="posix-shm:/x@mnt:[9]", name="/x", queues=())
CHANNELS = (
    PIPE, LISTENER, ACCEPTED, ABSTRACT, TCP_LISTENER, TCP_PAIR, TCP_OTHER, QUEUE, FOREIGN, SET, MAPPED, FIFO, PLAYER,
    OBJECT, THEIRS,
)  # fmt: skip
MACHINE = snapshot(CHANNELS, [SECRET], users={0: "root"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pipe:[123]", [PIPE]),
        ("2211/1", [PIPE]),
        ("2212/0", [PIPE]),
        ("socket:[81]", [ACCEPTED]),
        ("socket:[82]", [ACCEPTED]),
        ("socket:[77]", [LISTENER]),
        ("/run/app.sock", [LISTENER]),
        ("unix:/run/app.sock", [LISTENER]),
        ("./app.sock", [LISTENER]),
        ("../run/app.sock", [LISTENER]),
        ("app.sock", [LISTENER]),
        ("@bus\n", [ABSTRACT]),
        ("@bus\\n", [ABSTRACT]),
        ("unix:@bus\n", [ABSTRACT]),
        ("tcp:0.0.0.0:80", [TCP_LISTENER]),
        ("0.0.0.0:80", [TCP_LISTENER]),
        ("tcp:10.0.0.9:5555", [TCP_PAIR]),
        ("tcp:10.0.0.1:80", [TCP_PAIR, TCP_OTHER]),
        ("tcp:192.168.7.7:80", [TCP_LISTENER]),
        ("udp:10.0.0.9:5555", []),
        ("sysv-msg:7", [QUEUE]),
        ("sysv-msg:7@ipc:[2]", [FOREIGN]),
        ("sysv-msg:7@ipc:[1]", [QUEUE]),
        ("sysv-msg:7@ipc:[3]", []),
        ("sysv-sem:9", [SET]),
        ("sysv-sem", []),
        ("sysv-msg:0x5151", [QUEUE, FOREIGN]),
        ("sysv-msg:0x5151@ipc:[2]", [FOREIGN]),
        ("sysv-shm:0x5151", []),
        ("mmap:/srv/data", [MAPPED]),
        ("/srv/data", [MAPPED]),
        ("mmap:[254:0:9]", [MAPPED]),
        ("fifo:/srv/[fifo]", [FIFO]),
        ("fifo:[254:0:10]", [FIFO]),
        ("posix-mq:/play", [PLAYER]),
        ("mq:/play", [PLAYER]),
        ("posix-shm:/x", [OBJECT]),
        ("shm:/x", [OBJECT]),
        ("shm:/x@mnt:[9]", [THEIRS]),
        ("/dev/shm/x", [OBJECT]),
        ("/x", [OBJECT, THEIRS]),
        ("/run/nothing", []),
        ("9999/1", []),
        ("", []),
    ],
)
def test_an_address_finds(text: str, expected: list[Channel]) -> None:
    assert list(find(text, MACHINE, "/run")) == expected


@pytest.mark.parametrize("one", CHANNELS, ids=lambda one: one.id)
def test_every_id_is_accepted_back(one: Channel) -> None:
    assert find(one.id, MACHINE) == (one,)
    for alias in one.aliases:
        assert find(alias, MACHINE) == (one,)


def test_a_listener_knows_who_came_in_through_it() -> None:
    assert clients_of(LISTENER, MACHINE) == (ACCEPTED,)
    assert clients_of(TCP_LISTENER, MACHINE) == (TCP_PAIR, TCP_OTHER)
    assert clients_of(PIPE, MACHINE) == ()


def test_a_mistyped_address_names_the_nearest() -> None:
    absence = explain_channel("/run/ap.sock", MACHINE)
    assert absence.sentence == "no channel '/run/ap.sock', nearest is '/run/app.sock' (1 process is hidden)"
    assert not absence.hidden
    assert "'pipe:[123]'" in explain_channel("pipe:[124]", MACHINE).sentence
    assert "nearest" not in explain_channel("zzzz", MACHINE).sentence


def test_a_descriptor_of_a_hidden_process_is_hidden_not_unknown() -> None:
    absence = explain_channel("790/3", MACHINE)
    assert absence.hidden
    assert absence.sentence == "the descriptors of sshd 790 are hidden: it belongs to root, run as root"


def test_a_descriptor_that_is_no_channel_names_one_that_is() -> None:
    absence = explain_channel("2211/3", MACHINE)
    assert absence.sentence == "descriptor 3 of make 2211 is not open or is no channel, nearest is 2211/1"
    assert not absence.hidden


def test_an_unknown_process_names_the_nearest() -> None:
    assert explain_process(2213, MACHINE).sentence in {
        "no process 2213, nearest is 2211",
        "no process 2213, nearest is 2212",
    }


def test_hostile_text_in_an_address_is_made_visible() -> None:
    assert explain_channel("\x1b[31m/x", MACHINE).sentence.isprintable()
