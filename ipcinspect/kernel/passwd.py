"""User names by uid. The user database may be a network service that hangs on a sick machine: it gets a deadline."""

from __future__ import annotations

import os
import pwd
import threading
from collections.abc import Iterable

from ipcinspect.kernel.gate import hold_signals

DEADLINE_S = 0.2
_FILE_LIMIT = 1 << 20
_UID_DIGITS = 10


class UserNames:
    """Names that were once found; a database that once was late is not asked again while the question still hangs."""

    def __init__(self, passwd_file: str, deadline_s: float = DEADLINE_S) -> None:
        self._passwd_file = passwd_file
        self._deadline_s = deadline_s
        self._known: dict[int, str | None] = {}
        self._hanging: threading.Thread | None = None

    def names(self, uids: Iterable[int]) -> tuple[dict[int, str], bool]:
        """(uid -> name as far as known, whether all questions were answered in time)."""
        wanted = set(uids)
        if not self._known:
            self._known.update(_read_file(self._passwd_file))
        unknown = [uid for uid in wanted if uid not in self._known]
        in_time = self._ask(unknown) if unknown else True
        found = {uid: name for uid, name in ((uid, self._known.get(uid)) for uid in wanted) if name is not None}
        return found, in_time

    def _ask(self, uids: list[int]) -> bool:
        if self._hanging is not None and self._hanging.is_alive():
            return False
        thread = threading.Thread(target=self._look_up, args=(uids,), name="ipcinspect-passwd", daemon=True)
        with hold_signals():
            thread.start()
        thread.join(self._deadline_s)
        self._hanging = thread if thread.is_alive() else None
        return self._hanging is None

    def _look_up(self, uids: list[int]) -> None:
        for uid in uids:
            try:
                self._known[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                self._known[uid] = None


def _read_file(path: str) -> dict[int, str | None]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return parse_passwd(os.read(fd, _FILE_LIMIT))
    except OSError:
        return {}
    finally:
        os.close(fd)


def parse_passwd(text: bytes) -> dict[int, str | None]:
    """passwd(5): uid -> name; the first of several names counts, odd lines are passed over."""
    names: dict[int, str | None] = {}
    for line in text.split(b"\n"):
        cells = line.split(b":")
        if len(cells) >= 3 and cells[0] and cells[2].isdigit() and len(cells[2]) <= _UID_DIGITS:
            names.setdefault(int(cells[2]), os.fsdecode(cells[0]))
    return names
