"""In which namespaces a channel lies, in a few words that the screen and the command line share."""

from __future__ import annotations

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Host

HERE = "host"
"""The namespaces that we ourselves are in."""


def namespace_word(channel: Channel, host: Host) -> str | None:
    """`host`, `net 4026532281`, `ipc 4026532282` or both; `-` for what belongs to none; None where it is not known."""
    net, ipc = channel.namespaces
    if net is None and ipc is None:
        return None if channel.key.kind.startswith("socket") else "-"
    foreign = []
    if net is not None and net != host.net_namespace:
        foreign.append(f"net {net}")
    if ipc is not None and ipc != host.ipc_namespace:
        foreign.append(f"ipc {ipc}")
    return " ".join(foreign) or HERE


def is_foreign(channel: Channel, host: Host) -> bool:
    """Whether it lies in a network or IPC namespace other than ours."""
    net, ipc = channel.namespaces
    return (net is not None and net != host.net_namespace) or (ipc is not None and ipc != host.ipc_namespace)
