"""Replies that no service should send: each is an exception of ours, one request, and what was paid for is kept."""

from __future__ import annotations

import gzip
import json

import pytest

from langchain_volcark.exceptions import ResponseFormatError, VolcArkError
from tests.integration.ark.images.conftest import ITEM, Run, generator_of
from tests.unit.raw_server import RawServer, reply

WHOLE = json.dumps({"model": "m", "created": 1, "data": [ITEM]}).encode()
STREAM_TYPE = "Content-Type: text/event-stream\r\n"


def chunked(*parts: bytes) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


HOSTILE = {
    "a page of a portal": reply(b"<html>Sign in</html>", headers="Content-Type: text/html\r\n"),
    "half a document": reply(WHOLE[:-9]),
    "a shorter body than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + WHOLE,
    "bytes that are no text": reply(b'{"data": ["\xff\xfe"]}'),
    "an empty body": reply(b""),
    "null": reply(b"null"),
    "a list": reply(b"[]"),
    "data of a wrong type": reply(b'{"data": "x"}'),
    "nested too deeply": reply(b"[" * 100_000),
    "a number that is none": reply(b'{"data": NaN}'),
    "gzip that is none": reply(b"no gzip", headers="Content-Encoding: gzip\r\n"),
    "half of gzip": reply(gzip.compress(WHOLE * 50)[:60], headers="Content-Encoding: gzip\r\n"),
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "no end of the chunks": chunked(WHOLE),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a redirect": reply(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
    "an event of no form": reply(b"data: 5\n\n", headers=STREAM_TYPE),
    "an event that is no JSON": reply(b"data: {\n\n", headers=STREAM_TYPE),
    "an event without a type": reply(b'data: {"url": "u"}\n\n', headers=STREAM_TYPE),
    "comments alone": reply(b": wait\n\n" * 5, headers=STREAM_TYPE),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_it_is_an_exception_and_one_request(
    run: Run, server: RawServer, waits: list[float], name: str
) -> None:
    def answer_and_hang_up(connection: object, request: bytes) -> None:
        server.connections[-1].send(HOSTILE[name])

    server.handler = answer_and_hang_up
    with pytest.raises(VolcArkError):
        await run(generator_of(server, timeout=5))
    assert (len(server.requests), waits) == (1, [])


@pytest.mark.parametrize("run", ["stream", "astream"], indirect=True)
async def test_a_whole_reply_to_a_stream_keeps_its_pictures(run: Run, server: RawServer) -> None:
    server.handler = lambda connection, request: reply(WHOLE, headers="Content-Type: application/json\r\n")
    with pytest.raises(ResponseFormatError, match="an event stream was asked for") as caught:
        await run(generator_of(server))
    assert [picture.url for picture in caught.value.partial] == [ITEM["url"]]
