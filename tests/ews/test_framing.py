"""Bodies that come piece by piece: chunks and envelopes, cut at any byte."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ews import envelopes
from bridge.ews.envelopes import Envelopes, NotEnvelopes
from bridge.ews.framing import Chunked, Counted, Framing, FramingBroken

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'


def chunked(pieces: list[bytes], extension: bytes = b"", trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%X%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    return chunks + b"0" + extension + b"\r\n" + trailer + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def fed(framing: Framing, data: bytes) -> bytes:
    return b"".join(framing.feed(data))


PLACES = st.lists(st.integers(0, 10_000), max_size=30)


@given(
    st.lists(st.binary(max_size=40), max_size=8),
    PLACES,
    st.sampled_from([b"", b";name=value", b" ; a"]),
    st.sampled_from([b"", b"X-Trailer: 1\r\nX-Other: 2\r\n"]),
)
def test_chunks_give_their_content_however_they_are_cut(
    pieces: list[bytes], places: list[int], extension: bytes, trailer: bytes
) -> None:
    framing = Chunked()
    got = b"".join(fed(framing, part) for part in cut(chunked(pieces, extension, trailer), places))
    assert got == b"".join(pieces)
    assert framing.is_ended
    framing.end()
    assert fed(framing, b"5\r\nafter\r\n") == b""


def test_a_chunk_is_given_before_it_is_whole() -> None:
    framing = Chunked()
    assert fed(framing, b"a\r\nabc") == b"abc"
    assert fed(framing, b"defghij\r\n") == b"defghij"
    assert not framing.is_ended
    with pytest.raises(FramingBroken):
        framing.end()


@pytest.mark.parametrize(
    "broken",
    [
        b"xyz\r\n",
        b"\r\n",
        b"-5\r\n",
        b"0x5\r\n",
        b"1_0\r\n",
        b"F" * 16 + b"\r\n",
        b"3\r\nabcd\r\n",
        b"5" * 2000,
        b"1;" + b"x" * 2000 + b"\r\n",
        b"0\r\n" + b"X: " + b"y" * 2000,
        b"0\r\n" + (b"X: " + b"y" * 900 + b"\r\n") * 20,
    ],
)
def test_what_is_no_chunk_is_refused(broken: bytes) -> None:
    framing = Chunked()
    with pytest.raises(FramingBroken):
        b"".join(fed(framing, broken[place : place + 7]) for place in range(0, len(broken), 7))


def test_a_counted_body_ends_at_its_length_and_must_reach_it() -> None:
    framing = Counted(5)
    assert fed(framing, b"abc") == b"abc"
    with pytest.raises(FramingBroken):
        framing.end()
    assert fed(framing, b"defgh") == b"de"
    assert framing.is_ended
    assert Counted(0).is_ended


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    framing = Counted(None)
    assert fed(framing, b"abc") == b"abc"
    assert not framing.is_ended
    framing.end()
    assert framing.is_ended


PREFIXES = st.sampled_from([b"s:", b"soap:", b"SOAP-ENV:", b"", b"a.b-c_1:"])


@st.composite
def written(draw: st.DrawFn) -> bytes:
    prefix = draw(PREFIXES)
    text = draw(st.sampled_from([b"", b"<x/>", b"</s:Envelop>", b"<other:Envelope></other:Envelope>", "ü€".encode()]))
    end = draw(st.sampled_from([b"", b" ", b"\r\n"]))
    declaration = draw(st.sampled_from([b"", DECLARATION, DECLARATION + b"\r\n"]))
    return declaration + b"<%sEnvelope a='1'>%s</%sEnvelope%s>" % (prefix, text, prefix, end)


@given(st.lists(written(), max_size=6), st.sampled_from([b"", b"\r\n", b"\xef\xbb\xbf", b"  \n"]), PLACES)
def test_envelopes_are_cut_apart_however_they_come(wanted: list[bytes], between: bytes, places: list[int]) -> None:
    cutter = Envelopes()
    got = [one for part in cut(between + between.join(wanted), places) for one in cutter.feed(part)]
    assert got == wanted
    assert not cutter.has_part


def test_a_part_of_an_envelope_is_kept_and_seen() -> None:
    cutter = Envelopes()
    assert not list(cutter.feed(DECLARATION + b"<s:Envelope><s:Body></s:Body></s:Envel"))
    assert cutter.has_part
    assert len(list(cutter.feed(b"ope>\r\n"))) == 1
    assert not cutter.has_part


@pytest.mark.parametrize(
    "other",
    [b"Service Unavailable", b"<html><body>", b"<!DOCTYPE html><html>" + b" " * 5000, b"<" + b"a" * 5000 + b">"],
)
def test_what_is_no_envelope_is_refused(other: bytes) -> None:
    with pytest.raises(NotEnvelopes):
        list(Envelopes().feed(other))


def test_an_envelope_without_an_end_is_refused_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "LARGEST", 2000)
    cutter = Envelopes()
    assert not list(cutter.feed(b"<s:Envelope>" + b"x" * 1900))
    with pytest.raises(NotEnvelopes):
        list(cutter.feed(b"x" * 100))
