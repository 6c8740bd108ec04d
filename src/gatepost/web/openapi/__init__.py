"""From the endpoint tables to an OpenAPI 3.1 document: of one dialect, or of all."""

from gatepost.web.openapi.document import build

__all__ = ["build"]
