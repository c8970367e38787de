"""The front page: what it says, and that it needs nothing but itself."""

from html.parser import HTMLParser

import pytest

from bridge.mirror.overview import FirstPulls
from bridge.web.front_page import front_page

URL = "https://calendar.example.org/"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What stands in a page: its tags, its attributes, its text; and that every tag is closed in order."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words = ""
        self.feed(content.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words += data


def test_every_tag_is_closed() -> None:
    assert Page(front_page(URL)).open == []


def test_it_says_what_to_type_and_where_in_each_common_client() -> None:
    words = Page(front_page(URL)).words
    assert "Exchange user name" in words
    assert "Exchange password" in words
    for client in (
        "Thunderbird",
        "macOS",
        "iPhone",
        "DAVx⁵",
        "GNOME",
        "Evolution",
        "KOrganizer",
        "Outlook",
        "vdirsyncer",
    ):
        assert client in words
    assert words.count(URL) >= 9


def test_it_needs_no_script_and_nothing_from_elsewhere() -> None:
    page, content = Page(front_page(URL)), front_page(URL)
    assert not {"script", "img", "iframe", "object"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert [value for _, name, value in page.attributes if name in {"href", "src"}] == ["data:,"]
    assert b"url(" not in content
    assert b"@import" not in content
    assert len(content) < 20_000


def test_it_is_readable_by_machine_and_in_the_dark() -> None:
    page, content = Page(front_page(URL)), front_page(URL)
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("h1") == 1
    assert page.tags.count("main") == 1
    assert page.tags.count("details") == page.tags.count("summary") > 8
    assert b"prefers-color-scheme: dark" in content


@pytest.mark.parametrize(("url", "warned"), [(URL, False), ("http://127.0.0.1:5232/", True)])
def test_an_address_without_encryption_is_told_so(url: str, *, warned: bool) -> None:
    assert ("not encrypted" in Page(front_page(url)).words) is warned


def test_an_evil_host_name_stays_text() -> None:
    evil = 'https://x"><script>alert(1)</script>/'
    content = front_page(evil)
    assert b"<script" not in content
    assert evil in Page(content).words


@pytest.mark.parametrize(
    ("pulls", "told", "bars"),
    [
        (None, "", 0),
        (FirstPulls(0, 0, None), "", 0),
        (FirstPulls(1, 250, 1000), "A calendar is being read from Exchange for the first time: 250 of 1000 events", 1),
        (FirstPulls(3, 900, 800), "3 calendars are being read from Exchange for the first time: 900 of 800 events", 1),
        (FirstPulls(2, 900, None), "2 calendars are being read from Exchange for the first time.", 0),
    ],
)
def test_it_shows_how_far_first_pulls_are(pulls: FirstPulls | None, told: str, bars: int) -> None:
    page = Page(front_page(URL, pulls))
    words = " ".join(page.words.split())
    assert told in words
    assert ("first time" in words) is bool(told)
    assert page.tags.count("progress") == bars
    assert page.open == []
