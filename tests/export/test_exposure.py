"""Who else may take part, as a sentence and as a word."""

from __future__ import annotations

import pytest

from ipcinspect.export.exposure import exposure_sentence, exposure_word
from ipcinspect.model.channel import Exposure, Namespaces
from ipcinspect.model.words import REACHES
from tests.fakes import channel, snapshot

HERE = snapshot()
OWN = Namespaces(net=HERE.host.net_namespace)


@pytest.mark.parametrize(
    ("mechanism", "name", "exposure", "beginning"),
    [
        ("pipe", None, Exposure("holders", 1000), "nobody beside its holders"),
        ("unix", "@x", Exposure("host", 0), "no permission bits: every process of the host's network namespace"),
        ("tcp", "0.0.0.0:22", Exposure("network", 0), "the network, on all addresses"),
        ("tcp", "[::]:22", Exposure("network", 0), "the network, on all addresses"),
        ("tcp", "10.0.0.1:80", Exposure("network", 0), "the network, at 10.0.0.1:80"),
        ("packet", "all@every", Exposure("network", 0), "the network: it takes frames"),
        ("unix", "/x", Exposure("unknown", 0), "not known"),
        ("unix", "/x", Exposure("group", 0, 0o660), "root and the group may connect, as far as the directories"),
        ("unix", "/x", Exposure("everybody", 0, 0o666), "every user may connect"),
        ("unix", "/x", Exposure("owner", 0, 0o444), "nobody but root may connect"),
        ("fifo", "/x", Exposure("everybody", 1000, 0o666), "every user may read and write"),
        ("fifo", "/x", Exposure("everybody", 1000, 0o622), "every user may write to it, ana may read it"),
        ("sysv-shm", "0x1", Exposure("everybody", 77, 0o644), "uid 77 may write to it, every user may read it"),
        ("sysv-msg", "0x1", Exposure("owner", 1000, 0o600), "ana may read and write (permission bits 0600, owner ana)"),
        ("sysv-msg", "0x1", Exposure("owner", 1000, 0o400), "ana may read it"),
        ("sysv-msg", "0x1", Exposure("owner", 1000, 0), "nobody but root may open it"),
    ],
)
def test_each_reach_has_its_sentence(mechanism: str, name: str | None, exposure: Exposure, beginning: str) -> None:
    one = channel(1, mechanism, name=name, namespaces=OWN)._replace(exposure=exposure)
    told = exposure_sentence(one, HERE)
    assert told is not None
    assert told.startswith(beginning)


def test_another_network_namespace_is_named() -> None:
    one = channel(1, "unix", name="@x", namespaces=Namespaces(net=4026599999))._replace(exposure=Exposure("host"))
    assert exposure_sentence(one, HERE) == "no permission bits: every process of network namespace 4026599999"


def test_what_no_room_told_is_not_known() -> None:
    assert exposure_sentence(channel(1), HERE) is None
    assert exposure_word(None) is None


def test_the_word_has_the_permission_bits_where_there_are_some() -> None:
    assert exposure_word(Exposure("group", 0, 0o660)) == "group 0660"
    assert [exposure_word(Exposure(reach)) for reach in REACHES] == list(REACHES)
