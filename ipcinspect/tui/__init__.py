"""The screen: the only floor that knows Textual. `ipcinspect.tui.app.run_screen` is the way in, imported on demand.

Three layers, each readable without the ones above it: pure wording (what a channel's row says: `wording`, `ends`,
`figures`, `drawing`, `glyphs`), views (what the screens show of one observation: `view`, `feed`), and widgets.
"""

from __future__ import annotations
