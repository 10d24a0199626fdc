"""What one thread waits for, told as a finding: for programs, in the same form as all else that is found."""

from __future__ import annotations

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.chains import Chain
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import certainty_of
from ipcinspect.diagnosis.rules.rule import Judged

_SOURCE = "proc_pid_syscall(5)"


def finding_of_chain(judged: Judged, one: Chain) -> Finding:
    """From the thread to the root; an error where nobody can help it."""
    first = one.hops[0]
    is_stuck = first.thread in judged.firmly_stuck
    who = wording.who(first.thread, judged.snapshot)
    evidence = []
    for hop in one.hops:
        name = wording.who(hop.thread, judged.snapshot)
        if hop.wait is None:
            evidence.append(Evidence(f"{name} {one.why}", _SOURCE))
            continue
        fact = f"{name} {wording.does(hop.wait, judged.graph)}"
        if hop.awaited is not None and hop.helpers is not None:
            fact += f", {wording.until(hop.awaited, hop.helpers, judged.graph)}"
        evidence.append(Evidence(fact, _SOURCE))
    last = one.hops[-1]
    to = f", in the end for {wording.who(last.thread, judged.snapshot)}" if len(one.hops) > 1 else ""
    return Finding(
        rule="wait-chain",
        severity="error" if is_stuck else "info",
        certainty=certainty_of(judged, (hop.thread for hop in one.hops)) if is_stuck else "exact",
        message=f"{who} waits{to}",
        remedy="",
        threads=tuple(hop.thread for hop in one.hops),
        channels=tuple(
            dict.fromkeys(hop.awaited.channel for hop in one.hops if hop.awaited and hop.awaited.channel is not None)
        ),
        evidence=tuple(evidence),
        caveats=() if one.why is None else (one.why,),
    )
