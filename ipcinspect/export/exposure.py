"""Who else may take part in a channel, in one sentence that the screen and the command line share."""

from __future__ import annotations

from ipcinspect.model.channel import Channel, Exposure
from ipcinspect.model.snapshot import Snapshot

_IN_DIRECTORIES = ("fifo", "unix")
"""Mechanisms whose name lies in a file system: who may not pass its directories does not get there."""
_EVERYWHERE = ("0.0.0.0:", "[::]:")


def exposure_sentence(channel: Channel, snapshot: Snapshot) -> str | None:
    """What its exposure means; None where it is not known at all. Holds kernel text (user names, addresses)."""
    exposure = channel.exposure
    if exposure is None:
        return None
    if exposure.reach == "holders":
        return "nobody beside its holders: only who inherits it or is given it takes part"
    if exposure.reach == "host":
        return f"no permission bits: every process of {_network(channel, snapshot)}"
    if exposure.reach == "network":
        return _from_the_network(channel)
    if exposure.reach == "unknown":
        return "not known: its permission is the file system's, which is not asked"
    return _by_mode(channel, exposure, snapshot)


def exposure_word(exposure: Exposure | None) -> str | None:
    """The word of `words.REACHES`, with the permission bits where it has some: `group 0660`. None: not known."""
    if exposure is None:
        return None
    return exposure.reach if exposure.mode is None else f"{exposure.reach} {exposure.mode:04o}"


def _network(channel: Channel, snapshot: Snapshot) -> str:
    number = channel.namespaces.net
    if number is None:
        return "its network namespace"
    if number == snapshot.host.net_namespace:
        return "the host's network namespace"
    return f"network namespace {number}"


def _from_the_network(channel: Channel) -> str:
    if channel.mechanism == "packet":
        return "the network: it takes frames of an interface beyond the loopback"
    name = channel.name or ""
    if name.startswith(_EVERYWHERE):
        return "the network, on all addresses, as far as no firewall refuses"
    return f"the network, at {name}, as far as no firewall refuses"


def _by_mode(channel: Channel, exposure: Exposure, snapshot: Snapshot) -> str:
    owner = _user(exposure.owner_uid, snapshot)
    mode = exposure.mode or 0
    told = _may(channel.mechanism, _who(mode & 0o222, owner), _who(mode & 0o444, owner))
    above = ", as far as the directories above let them" if channel.mechanism in _IN_DIRECTORIES else ""
    return f"{told}{above} (permission bits {mode:04o}, owner {owner})"


def _may(mechanism: str, writers: str | None, readers: str | None) -> str:
    if mechanism == "unix":  # connect(2) and sendto(2) ask for the permission to write, and for no other
        return f"{writers} may connect" if writers else "nobody but root may connect"
    if writers == readers:
        return f"{writers} may read and write" if writers else "nobody but root may open it"
    parts = [f"{writers} may write to it" if writers else "", f"{readers} may read it" if readers else ""]
    return ", ".join(part for part in parts if part)


def _who(bits: int, owner: str) -> str | None:
    """Whom permission bits of one kind let in; None for nobody but root."""
    if bits & 0o007:
        return "every user"
    if bits & 0o070:
        return f"{owner} and the group"
    return owner if bits else None


def _user(uid: int | None, snapshot: Snapshot) -> str:
    if uid is None:
        return "its owner"
    return snapshot.users.get(uid, f"uid {uid}")
