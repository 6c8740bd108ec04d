"""The paths that are Gatepost's own, and nobody's relay may be in the way of."""

from pathlib import Path

from gatepost.app import App
from gatepost.base.config import Settings
from gatepost.dialects import DIALECTS
from gatepost.domains.relays.paths import overlaps
from gatepost.web.router import templates


def test_every_page_is_among_them(tmp_path: Path) -> None:
    pages = list(App(Settings(data=str(tmp_path)))._pages)
    own = templates(DIALECTS)
    assert "/healthz" in pages
    assert [page for page in pages if not any(overlaps(page, path) for path in own)] == []
