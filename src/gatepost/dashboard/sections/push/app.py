"""The dashboard as an application that can be installed: its manifest, its service worker."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from gatepost.dashboard import session, static
from gatepost.dashboard.visit import Visit

MEDIA = "application/manifest+json"
FRESH = {"cache-control": "no-cache"}
WORKER = {**FRESH, "content-security-policy": "default-src 'none'"}
SIZES = (192, 512)
LIGHT = "#fbfbf9"


async def manifest(visit: Visit) -> Response:
    """What a browser installs."""
    del visit
    drawn = {"src": static.address("icon.svg"), "sizes": "any", "type": "image/svg+xml"}
    painted = [
        {
            "src": static.address(f"icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size in SIZES
        for purpose in ("any", "maskable")
    ]
    told = {
        "id": session.HOME,
        "name": "Gatepost",
        "short_name": "Gatepost",
        "description": "Events, alerts and messages of a Gatepost installation.",
        "start_url": f"{session.HOME}/",
        "scope": f"{session.HOME}/",
        "display": "standalone",
        "background_color": LIGHT,
        "theme_color": LIGHT,
        "icons": [drawn, *painted],
    }
    return Response(msgspec.json.encode(told), media_type=MEDIA, headers=FRESH)


async def worker(visit: Visit) -> Response:
    """What shows notifications while no page is open. It lies where the pages lie: a worker has no
    power over what is above it.
    """
    del visit
    file = static.all_files()["js/worker.js"]
    return Response(file.plain, media_type=file.media, headers=WORKER)
