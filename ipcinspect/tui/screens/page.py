"""What every page has: its keys, and the way a view reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import Vertical

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Kept, Key
from ipcinspect.tui.view import View

if TYPE_CHECKING:
    from ipcinspect.tui.ipc_app import IpcApp


class Page(Vertical):
    """One of the screens of the screens line."""

    KEYS: ClassVar[tuple[Key, ...]] = ()
    """Of the footer, most wanted first."""
    FILTERS: ClassVar[bool] = True
    """Whether `/` means anything here."""

    @property
    def ipc(self) -> IpcApp:
        """The app, as what it is."""
        return cast("IpcApp", self.app)

    def show(self, view: View | None) -> None:
        """Draw a view; None before the first one."""
        raise NotImplementedError

    def enter(self) -> None:
        """The page has come to the front: take the focus at once, so that a key typed right behind is for this page."""
        raise NotImplementedError

    def enter_again(self) -> None:
        """As `enter`; and have the details of what is chosen here asked for."""
        self.enter()
        self.ipc.want_details(self.chosen_key())

    def chosen_key(self) -> ProcessKey | ChannelKey | None:
        """What the details are asked of."""
        return None

    def asks_about(self) -> ProcessKey | ChannelKey | None:
        """Whose waiting `w` shows."""
        return self.chosen_key()

    @property
    def is_informed(self) -> bool:
        """Whether the details of what is chosen, and what is in it where that was asked for, have come."""
        return True

    def headline(self, width: int, glyphs: Glyphs) -> Line | None:
        """What stands above the page in place of the machine's trouble; None for that."""
        return None

    def kept(self, view: View) -> Kept | None:
        """What the filter of this page keeps; None without a filter."""
        return None

    def filter_words(self) -> tuple[str, ...]:
        """The filter of this page."""
        return ()

    def filter_by(self, words: tuple[str, ...]) -> None:
        """Filter by words. Raises WordError for words that mean nothing."""

    def copied(self) -> str | None:
        """What `y` copies; None where nothing is chosen."""
        return None

    def back(self) -> bool:
        """Take one step back within the page; False where there is none."""
        return False
