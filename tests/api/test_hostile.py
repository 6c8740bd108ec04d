"""Hostile requests: each gets a clear 4xx in good time, and the next honest one is served."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import zstandard

from tests import plain
from tests.server import Server, unique

MIB = 1_048_576
DEEP = 100_000
PATIENCE_S = 20.0
GOOD = {"channelName": "hostile", "title": "t"}
PATHS = ["/v1/events", "/v1/events/batch", "/v1/identify", "/v1/keys", "/v1/projects"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: whatever happens here, the other tests' one knows nothing of it."""
    env = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "10000"}
    with Server(tmp_path_factory.mktemp("hostile") / "data", env=env) as running:
        yield running
        assert "Traceback" not in running.output()


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.make_tenant(limit="off").key.secret


@pytest.fixture
def post(server: Server, key: str) -> Iterator[Callable[..., httpx2.Response]]:
    """Posts bytes as they are, on connections of its own."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with plain.Client(base_url=server.address, timeout=PATIENCE_S) as client:

        def send(content: Any, path: str = "/v1/events", **more: str) -> httpx2.Response:
            named = {name.replace("_", "-"): value for name, value in more.items()}
            return client.post(path, content=content, headers=headers | named)

        yield send


@pytest.fixture(autouse=True)
def still_serving(server: Server, key: str) -> Iterator[None]:
    """After whatever was sent, an honest event is stored."""
    yield
    headers = {"Authorization": f"Bearer {key}"}
    event = {"channelName": unique("after"), "title": "Still here"}
    answer = plain.post(f"{server.address}/v1/events", json=event, headers=headers, timeout=5)
    assert answer.status_code == 201


def refused(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The body of a refusal that says what is wrong, in the envelope."""
    assert answer.status_code in (statuses or (400,)), answer.text[:500]
    body = dict(answer.json())
    assert body["success"] is False
    assert body["code"]
    assert body["message"]
    return body


# What is no JSON, or no JSON that can be kept


NOT_JSON = {
    "empty": b"",
    "spaces": b"  \n ",
    "cut short": b'{"channelName":"a","title":"b"',
    "two values": b'{"channelName":"a","title":"b"}{}',
    "NaN": b'{"channelName":"a","title":"b","metadata":{"x":NaN}}',
    "Infinity": b'{"channelName":"a","title":"b","metadata":{"x":-Infinity}}',
    "overflowing float": b'{"channelName":"a","title":"b","metadata":{"x":1e999}}',
    "integer of 100,000 digits": b'{"channelName":"a","title":"b","metadata":{"x":%b}}'
    % (b"9" * 100_000),
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep metadata": b'{"channelName":"a","title":"b","metadata":{"a":%b}}'
    % (b"[" * DEEP + b"]" * DEEP),
    "deep and unclosed": b"[" * 500_000,
    "lone surrogate": rb'{"channelName":"a","title":"\ud800"}',
    "reversed surrogates": rb'{"channelName":"a","title":"\udc00\ud800"}',
    "surrogate in a key": rb'{"channelName":"a","title":"b","metadata":{"\ud83d":1}}',
    "raw NUL": b'{"channelName":"a","title":"b\x00c"}',
    "NUL": rb'{"channelName":"a","title":"b\u0000c"}',
    "NUL in metadata": rb'{"channelName":"a","title":"b","metadata":{"x":["\u0000"]}}',
    "NUL in a key": rb'{"channelName":"a","title":"b","metadata":{"x\u0000y":1}}',
    "control character": b'{"channelName":"a","title":"b\x01c"}',
    "latin-1": '{"channelName":"a","title":"café"}'.encode("latin-1"),
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "UTF-32": json.dumps(GOOD).encode("utf-32"),
    "overlong UTF-8": b'{"channelName":"a","title":"\xc0\xaf"}',
    "UTF-8 surrogate": b'{"channelName":"a","title":"\xed\xa0\x80"}',
    "bytes of nothing": bytes(range(256)) * 16,
    "single quotes": b"{'channelName':'a','title':'b'}",
    "comment": b'{"channelName":"a",/* */"title":"b"}',
    "trailing comma": b'{"channelName":"a","title":"b",}',
    "string": b'"text"',
    "number": b"1",
    "null": b"null",
    "array": b"[1,2]",
    "form": b"channelName=a&title=b",
    "XML": b"<event><title>b</title></event>",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", NOT_JSON)
def test_what_cannot_be_read_is_refused(
    post: Callable[..., httpx2.Response], name: str, path: str
) -> None:
    answer = post(NOT_JSON[name], path)
    if path == "/v1/events/batch" and answer.status_code == 200:
        assert answer.json()["data"]["accepted"] == 0
    elif len(NOT_JSON[name]) > 65_536:
        refused(answer, 400, 413)
    else:
        refused(answer, 400)


@pytest.mark.parametrize("title", [1, 1.5, True, None, [], {}, "", "x" * 501])
def test_wrong_values_are_named(post: Callable[..., httpx2.Response], title: Any) -> None:
    body = refused(post(json.dumps(GOOD | {"title": title})))
    assert body["details"][0]["path"] == ["title"]


@pytest.mark.parametrize(
    "metadata",
    [
        '{"x":1,"x":2}',
        '{"x":1e308}',
        '{"x":-0.0}',
        '{"":""}',
        '{"x":123456789012345678901234567890}',
    ],
)
def test_odd_but_honest_json_is_taken(post: Callable[..., httpx2.Response], metadata: str) -> None:
    answer = post(b'{"channelName":"a","title":"b","metadata":%b}' % metadata.encode())
    assert answer.status_code == 201, answer.text


def test_a_byte_order_mark_is_taken_or_refused_clearly(
    post: Callable[..., httpx2.Response],
) -> None:
    refused(post(json.dumps(GOOD).encode("utf-8-sig")))


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        ";;=",
        "no/such; charset=utf-16",
    ],
)
def test_json_is_read_whatever_the_content_type_says(
    post: Callable[..., httpx2.Response], kind: str
) -> None:
    assert post(json.dumps(GOOD), Content_Type=kind).status_code == 201


# Size and compression


def test_ten_mebibytes_are_too_much(post: Callable[..., httpx2.Response]) -> None:
    event = json.dumps(GOOD | {"description": "x" * (10 * MIB)}).encode()
    refused(post(event), 413)
    refused(post(event, "/v1/events/batch"), 413)


def test_ten_mebibytes_in_chunks_are_too_much(post: Callable[..., httpx2.Response]) -> None:
    refused(post(b"x" * 65_536 for _ in range(160)), 413)


def bomb(encoding: str) -> bytes:
    """100 MiB of zeros in a few kilobytes."""
    zeros = bytes(100 * MIB)
    match encoding:
        case "gzip":
            return gzip.compress(zeros)
        case "deflate":
            return zlib.compress(zeros)
        case _:
            return zstandard.compress(zeros)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_too_much(post: Callable[..., httpx2.Response], encoding: str) -> None:
    content = bomb(encoding)
    for path in PATHS:
        refused(post(content, path, Content_Encoding=encoding), 413)


PACKED = json.dumps(GOOD).encode()
BROKEN = {
    "not gzip": ("gzip", PACKED),
    "gzip cut short": ("gzip", gzip.compress(PACKED, mtime=0)[:-9]),
    "gzip without its end": ("gzip", gzip.compress(PACKED, mtime=0)[:-1]),
    "gzip and more": ("gzip", gzip.compress(PACKED, mtime=0) + b"more"),
    "gzip of a wrong sum": ("gzip", gzip.compress(PACKED, mtime=0)[:-8] + bytes(8)),
    "empty gzip": ("gzip", b""),
    "not deflate": ("deflate", PACKED),
    "not zstd": ("zstd", PACKED),
    "zstd cut short": ("zstd", zstandard.compress(PACKED)[:-4]),
    "zstd and more": ("zstd", zstandard.compress(PACKED) + b"more"),
    "empty zstd": ("zstd", b""),
    "gzip said, zstd sent": ("gzip", zstandard.compress(PACKED)),
    "zstd said, gzip sent": ("zstd", gzip.compress(PACKED, mtime=0)),
    "not said": ("identity", gzip.compress(PACKED, mtime=0)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_body_is_refused(post: Callable[..., httpx2.Response], name: str) -> None:
    encoding, content = BROKEN[name]
    refused(post(content, Content_Encoding=encoding), 400)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "gzip;q=1", "x" * 1000])
def test_an_unknown_encoding_is_named(post: Callable[..., httpx2.Response], encoding: str) -> None:
    body = refused(post(PACKED, Content_Encoding=encoding), 415)
    assert "zstd" in body["message"]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(PACKED, mtime=0)),
        ("GZip", gzip.compress(PACKED, mtime=0)),
        ("deflate", zlib.compress(PACKED)),
        ("zstd", zstandard.compress(PACKED)),
        ("identity", PACKED),
        ("", PACKED),
    ],
    ids=["gzip", "GZip", "deflate", "zstd", "identity", "none"],
)
def test_an_honest_encoding_is_read(
    post: Callable[..., httpx2.Response], encoding: str, content: bytes
) -> None:
    assert post(content, Content_Encoding=encoding).status_code == 201
