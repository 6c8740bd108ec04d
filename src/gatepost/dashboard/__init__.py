"""The dashboard: pages that show what the API answers, and forms that send what it takes."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from gatepost.web.contract import Services
from gatepost.web.pipeline import Pipeline

PREFIX = "/dashboard"


class Dashboard:
    """What is mounted at `/dashboard`. Nobody pays for it before the first page is asked for:
    templates and all that renders them are loaded then, beside the event loop.
    """

    def __init__(self, services: Services, pipeline: Pipeline) -> None:
        """Hold what it is made of."""
        self._given = (services, pipeline)
        self._app: Any = None
        self._opening = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request."""
        app = self._app or await self._open()
        await app(scope, receive, send)

    async def _open(self) -> Any:
        async with self._opening:
            if self._app is None:
                module = await asyncio.to_thread(import_module, "gatepost.dashboard.app")
                self._app = module.App(*self._given)
        return self._app
