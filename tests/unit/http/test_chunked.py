"""The decoder of chunked bodies, compared with h11 for every body, however it is split."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.http.chunked import ChunkedDecoder

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

contents = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
extensions = st.sampled_from([b"", b";a=b", b'; name="quoted; text"', b" ", b"\t", b";x \t"])
trailers = st.sampled_from([b"", b"X-Checksum: 1\r\n", b"A: b\r\nC: d\r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    body = b""
    for content in draw(contents):
        size = draw(st.sampled_from([b"%x", b"%X", b"000%x"])) % len(content)
        body += size + draw(extensions) + b"\r\n" + content + b"\r\n"
    return body + draw(st.sampled_from([b"0", b"000"])) + draw(extensions) + b"\r\n" + draw(trailers) + b"\r\n"


@st.composite
def cut_into_pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def by_h11(pieces: list[bytes]) -> tuple[bytes, bool] | None:
    """What h11 makes of a body: its content and whether it ended, or None where it is refused."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    content = b""
    try:
        for piece in [HEAD, *pieces]:
            if not piece:
                continue  # to h11 that is the end of the connection
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Data):
                    content += event.data
                if isinstance(event, h11.EndOfMessage):
                    return content, True
    except h11.RemoteProtocolError:
        return None
    return content, False


def by_us(pieces: list[bytes]) -> tuple[bytes, bool] | None:
    decoder, content = ChunkedDecoder(), b""
    try:
        for piece in pieces:
            content += decoder.feed(piece)
            if decoder.done:
                break
    except ValueError:
        return None
    return content, decoder.done


@given(st.data())
def test_every_body_reads_as_with_h11_however_it_is_cut(data: st.DataObject) -> None:
    body = data.draw(bodies())
    pieces = data.draw(cut_into_pieces(body))
    assert by_us(pieces) == by_h11(pieces)
    assert by_us(pieces) == by_us([body])


@given(st.data())
def test_a_cut_body_has_not_ended(data: st.DataObject) -> None:
    body = data.draw(bodies())
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    ours, theirs = by_us([cut]), by_h11([cut])
    assert ours is not None
    assert theirs is not None
    assert ours == theirs
    assert not ours[1]


@given(st.data())
def test_what_h11_refuses_is_refused_or_waited_for_but_never_complete(data: st.DataObject) -> None:
    body = bytearray(data.draw(bodies()))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    if by_h11([bytes(body)]) is None:
        ours = by_us([bytes(body)])
        assert ours is None or not ours[1]


@pytest.mark.parametrize(
    "body",
    [
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"-3\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"1_0\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b"\r\nabc\r\n",
        b"g\r\n",
        b"f" * 21 + b"\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"0\r\nabc\r\n\r\n",
    ],
)
def test_a_wrong_size_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="chunk"):
        ChunkedDecoder().feed(body)


@pytest.mark.parametrize("endless", [b"3;" + b"x" * 200_000, b"0\r\n" + b"A: b\r\n" * 40_000])
def test_a_line_without_end_is_refused(endless: bytes) -> None:
    pieces = [endless[start : start + 1000] for start in range(0, len(endless), 1000)]
    decoder = ChunkedDecoder()
    with pytest.raises(ValueError, match="do not end"):
        b"".join(map(decoder.feed, pieces))


def test_what_follows_the_end_is_excess() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK") == b"a"
    assert decoder.done
    assert decoder.excess == b"HTTP/1.1 200 OK"


def test_content_is_given_out_before_its_chunk_is_complete() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"ffffff\r\nabc") == b"abc"
    assert decoder.feed(b"def") == b"def"
    assert not decoder.done
