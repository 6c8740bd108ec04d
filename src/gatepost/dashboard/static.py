"""Style sheets, scripts and icons. Their address has a hash of all of them: it never changes."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
import zstandard
from starlette.requests import Request
from starlette.responses import Response

MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
FOREVER = "public, max-age=31536000, immutable"
VERSION_LENGTH = 12


class File(msgspec.Struct, frozen=True):
    """One file, and what it is when it is packed."""

    media: str
    plain: bytes
    packed: dict[str, bytes]


@cache
def all_files() -> dict[str, File]:
    """The files by their path below `static/`, read and packed once."""
    root = Path(str(files("gatepost.dashboard"))) / "static"
    found = sorted(one for one in root.rglob("*") if one.suffix in MEDIA)
    return {one.relative_to(root).as_posix(): _file(one) for one in found}


@cache
def version() -> str:
    """A hash of all files, so that modules can name each other by relative paths."""
    digest = hashlib.sha256()
    for name, file in all_files().items():
        digest.update(name.encode() + b"\0" + file.plain + b"\0")
    return digest.hexdigest()[:VERSION_LENGTH]


def address(name: str) -> str:
    """Where a file is; raises KeyError for one that is not there."""
    all_files()[name]  # a template that names none fails its tests
    return f"/dashboard/static/{version()}/{name}"


def answer(request: Request, path: str) -> Response | None:
    """Give a file by `<version>/<name>`, packed if the client likes; None where there is none.

    Another version is one that a page of an older or newer process asks for: it is not kept.
    """
    asked, _, name = path.partition("/")
    file = all_files().get(name)
    if file is None:
        return None
    kept = FOREVER if asked == version() else "no-store"
    headers = {"cache-control": kept, "vary": "accept-encoding"}
    liked = {
        one.split(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")
    }
    encoding = next((one for one in file.packed if one in liked), None)
    if encoding is None:
        return Response(file.plain, media_type=file.media, headers=headers)
    headers["content-encoding"] = encoding
    return Response(file.packed[encoding], media_type=file.media, headers=headers)


def _file(path: Path) -> File:
    plain = path.read_bytes()
    packed = {
        "zstd": zstandard.ZstdCompressor(level=19).compress(plain),
        "gzip": gzip.compress(plain, 9, mtime=0),
    }
    return File(MEDIA[path.suffix], plain, packed)
