"""What a request says beside its body, and its body."""

import gzip
import io
from typing import Any

import pytest

from bridge.dav.refusals import NotServed
from bridge.dav.request import Depth, Request
from bridge.errors import TooLarge
from bridge.ids import Path
from bridge.model import Address, CalendarName, Name


def request(body: bytes = b"", **environ: Any) -> Request:
    return Request("PUT", Path(), "/prefix", {"wsgi.input": io.BytesIO(body), **environ})


def test_a_body_is_read_to_its_length() -> None:
    assert request(b"hello", CONTENT_LENGTH="5").body(5) == b"hello"


def test_a_chunked_body_is_read_whole() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert request(b"x" * 100_000, **chunked).body(100_000) == b"x" * 100_000


def test_a_chunked_body_that_cannot_be_told_from_an_empty_one_is_refused() -> None:
    with pytest.raises(NotServed) as refused:
        request(b"hello", HTTP_TRANSFER_ENCODING="chunked").body(100)
    assert refused.value.status == 411


@pytest.mark.parametrize(
    "environ", [{"CONTENT_LENGTH": "11"}, {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}]
)
def test_a_body_over_the_limit_is_refused(environ: dict[str, Any]) -> None:
    with pytest.raises(TooLarge) as refused:
        request(b"x" * 11, **environ).body(10)
    assert refused.value.limit == 10


@pytest.mark.parametrize(("headers", "read"), [({}, 11), ({"HTTP_EXPECT": "100-continue"}, 0)])
def test_a_body_over_the_limit_is_read_and_dropped_unless_its_sender_waits(headers: dict[str, str], read: int) -> None:
    sent = request(b"x" * 11, CONTENT_LENGTH="11", **headers)
    with pytest.raises(TooLarge):
        sent.body(10)
    assert sent.environ["wsgi.input"].tell() == read


def test_of_a_body_without_end_only_some_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.dav.request._LINGERING", 100_000)
    sent = request(b"x" * 300_000, CONTENT_LENGTH="300000")
    with pytest.raises(TooLarge):
        sent.body(10)
    assert sent.environ["wsgi.input"].tell() == 100_000


@pytest.mark.parametrize("length", ["12", "x", "-1", "1.5", "²"])
def test_a_length_that_is_not_the_body_s_is_refused(length: str) -> None:
    with pytest.raises(NotServed) as refused:
        request(b"x" * 11, CONTENT_LENGTH=length).body(100)
    assert refused.value.status == 400


def test_a_body_that_breaks_off_is_refused() -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError(size)

    with pytest.raises(NotServed) as refused:
        Request("PUT", Path(), "", {"wsgi.input": Broken(), "CONTENT_LENGTH": "5"}).body(100)
    assert refused.value.status == 400


def test_no_length_and_no_chunks_is_no_body() -> None:
    assert request(b"hello").body(10) == b""


@pytest.mark.parametrize(
    ("header", "depth"), [("0", Depth.ZERO), (" 1", Depth.ONE), ("Infinity", Depth.INFINITY), (None, Depth.INFINITY)]
)
def test_a_depth_is_read_and_none_is_infinity(header: str | None, depth: Depth) -> None:
    environ: dict[str, Any] = {} if header is None else {"HTTP_DEPTH": header}
    assert request(**environ).depth is depth


def test_a_depth_that_is_none_is_refused() -> None:
    with pytest.raises(NotServed):
        _ = request(HTTP_DEPTH="2").depth


@pytest.mark.parametrize(("header", "is_fresh"), [("no-cache", True), ("private, No-Cache", True), ("no-store", False)])
def test_no_cache_wants_a_fresh_answer(header: str, *, is_fresh: bool) -> None:
    assert request(HTTP_CACHE_CONTROL=header).wants_fresh is is_fresh


def test_an_if_header_never_holds() -> None:
    with pytest.raises(NotServed) as refused:
        _ = request(HTTP_IF="(<urn:uuid:1>)").conditions
    assert refused.value.status == 412


def test_hrefs_bear_the_prefix_and_are_encoded() -> None:
    path = Path(Address("alice@example.com"), CalendarName("größe"), Name("a b.ics"))
    assert request().href(path) == "/prefix/alice@example.com/gr%C3%B6%C3%9Fe/a%20b.ics"


def test_a_host_that_is_none_is_not_repeated() -> None:
    environ: dict[str, Any] = {"SERVER_NAME": "bridge.test", "SERVER_PORT": "5232", "wsgi.url_scheme": "http"}
    assert request(HTTP_HOST="a.test:8080", **environ).base_url == "http://a.test:8080/prefix/"
    assert request(HTTP_HOST='"><script>', **environ).base_url == "http://bridge.test:5232/prefix/"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP "])
def test_a_packed_body_is_unpacked(coding: str) -> None:
    packed = gzip.compress(b"hello" * 100)
    assert request(packed, CONTENT_LENGTH=str(len(packed)), HTTP_CONTENT_ENCODING=coding).body(500) == b"hello" * 100


def test_a_packed_body_is_as_large_as_it_is_unpacked() -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(TooLarge):
        request(packed, CONTENT_LENGTH=str(len(packed)), HTTP_CONTENT_ENCODING="gzip").body(100_000)


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (b"hello", "gzip", 400),
        (gzip.compress(b"hello", mtime=0)[:-9], "gzip", 400),
        (b"hello", "br", 415),
        (b"hello", "gzip, gzip", 415),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(body: bytes, coding: str, status: int) -> None:
    with pytest.raises(NotServed) as refused:
        request(body, CONTENT_LENGTH=str(len(body)), HTTP_CONTENT_ENCODING=coding).body(1000)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("destination", "status"),
    [(None, 400), (" ", 400), ("http://[", 400), ("http://elsewhere.test/a", 502), ("//elsewhere.test/a", 502)],
)
def test_a_destination_is_a_place_of_this_server(destination: str | None, status: int) -> None:
    """RFC 4918 9.8.3, 9.8.5."""
    environ: dict[str, Any] = {} if destination is None else {"HTTP_DESTINATION": destination}
    with pytest.raises(NotServed) as refused:
        _ = request(HTTP_HOST="bridge.test", **environ).destination
    assert refused.value.status == status


@pytest.mark.parametrize("host", ["HTTP_HOST", "HTTP_X_FORWARDED_HOST"])
def test_the_server_is_known_by_the_name_clients_call_it(host: str) -> None:
    environ: dict[str, Any] = {"HTTP_HOST": "inside:8080", host: "Calendar.Example.Org"}
    for destination in ("https://calendar.example.org/a", "/a"):
        assert request(HTTP_DESTINATION=destination, **environ).destination == destination


@pytest.mark.parametrize(("value", "overwrites"), [(None, True), ("T", True), ("f", False)])
def test_a_copy_overwrites_unless_it_is_told_not_to(value: str | None, overwrites: bool) -> None:
    environ: dict[str, Any] = {} if value is None else {"HTTP_OVERWRITE": value}
    assert request(**environ).overwrites is overwrites
