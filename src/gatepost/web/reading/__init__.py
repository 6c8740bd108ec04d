"""The OpenAPI document as one page for people, rendered here, needing no other host."""

from gatepost.web.reading.page import render

__all__ = ["render"]
