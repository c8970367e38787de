"""What becomes of a body when clients that know HTML, and clients that do not, edit the same event."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.item import Content, Item, Uid
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.lines import escape
from bridge.mapping.markup import formatted, gist, reduce_html, same_html
from bridge.mapping.series import changed

from single_event import to_ical, to_item

Body = Callable[..., bytes]
MakeItem = Callable[..., Item]
NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)
OUTLOOK = (
    "<html><head><style>p{}</style></head><body><p class=MsoNormal>Hello <b>all</b></p><p>Join: "
    '<a href="https://teams.example.test/l/1">here</a></p></body></html>'
)
TEXT = "Hello all\nJoin: here<https://teams.example.test/l/1>"


@pytest.fixture
def written(make_item: MakeItem) -> Item:
    """Give an item with a formatted body, as Outlook writes it."""
    return make_item(Content(Uid("uid-1"), "Review", NINE, NINE, body=TEXT, html=OUTLOOK))


def put(lines: list[str], item: Item, context: Context, make_body: Body) -> Content:
    return to_item(parse(make_body(*lines)), context, item).content


def lines_of(item: Item, context: Context) -> list[str]:
    text = to_ical(item, context).text.decode().replace("\r\n ", "")
    event = text.split("BEGIN:VEVENT\r\n")[1].split("END:VEVENT")[0]
    return event.splitlines()


def test_an_app_that_knows_no_html_edits_the_title_and_the_html_stays(
    context: Context, make_body: Body, written: Item
) -> None:
    altrep = [line for line in lines_of(written, context) if "ALTREP" in line]
    lines = ["SUMMARY:Retro", f"DESCRIPTION:{escape(TEXT)}"]
    lines += [line for line in lines_of(written, context) if not line.startswith(("SUMMARY", "DESCRIPTION"))]
    content = put(lines, written, context, make_body)
    assert (content.subject, content.body, content.html) == ("Retro", TEXT, OUTLOOK)
    shown = lines_of(replace(written, content=content), context)
    assert [line for line in shown if "ALTREP" in line] == altrep


@pytest.mark.parametrize("keeps_altrep", [True, False])
def test_an_app_that_edits_the_text_has_its_text_written_and_shown_without_the_old_html(
    context: Context, make_body: Body, written: Item, *, keeps_altrep: bool
) -> None:
    lines = [line.replace("Hello all\\n", "Hello everyone\\n") for line in lines_of(written, context)]
    if not keeps_altrep:
        lines = ["DESCRIPTION:Hello everyone" if line.startswith("DESCRIPTION") else line for line in lines]
    content = put(lines, written, context, make_body)
    assert content.html is None
    assert content.body.startswith("Hello everyone")
    shown = [line for line in lines_of(replace(written, content=content), context) if line.startswith("DESCRIPTION")]
    assert [line.startswith("DESCRIPTION:Hello everyone") for line in shown] == [True]


def test_of_a_huge_html_the_text_is_shown_and_the_html_stays(
    context: Context, make_body: Body, make_item: MakeItem
) -> None:
    html = f'<p>Plan <img src="data:image/png;base64,{"A" * 300_000}"></p>'
    item = make_item(Content(Uid("uid-1"), "Review", NINE, NINE, body="Plan", html=html))
    lines = lines_of(item, context)
    assert "DESCRIPTION:Plan" in lines
    content = put(
        ["SUMMARY:Retro", *(line for line in lines if not line.startswith("SUMMARY"))], item, context, make_body
    )
    assert (content.subject, content.html) == ("Retro", html)


def test_an_app_that_edits_the_html_has_its_html_written(context: Context, make_body: Body, written: Item) -> None:
    html = "<p>Hello <i>everyone</i></p>"
    lines = [line for line in lines_of(written, context) if not line.startswith("DESCRIPTION")]
    lines.append(f'DESCRIPTION;ALTREP="data:text/html,{quote(html)}":Hello everyone')
    assert put(lines, written, context, make_body).html == html


def test_html_that_says_what_was_shown_is_no_change(context: Context, make_body: Body, written: Item) -> None:
    lines = [line for line in lines_of(written, context) if not line.startswith("DESCRIPTION")]
    again = reduce_html(OUTLOOK).replace("<p>", '<p style="x">').replace("b>", "strong>")
    lines.append(f'DESCRIPTION;ALTREP="data:text/html;charset=utf-8,{quote(again)}":{escape(TEXT)}')
    assert changed(written.content, put(lines, written, context, make_body)) <= {"kept"}


def test_a_body_that_is_removed_is_removed(context: Context, make_body: Body, written: Item) -> None:
    lines = [line for line in lines_of(written, context) if not line.startswith("DESCRIPTION")]
    content = put(lines, written, context, make_body)
    assert (content.body, content.html) == ("", None)


def test_html_in_base64_and_in_another_charset_is_read(context: Context, make_body: Body) -> None:
    body = make_body('DESCRIPTION;ALTREP="data:text/html;charset=iso-8859-1;base64,PGI+R3L832U8L2I+":Grüße')
    assert to_item(parse(body), context, None).content.html == "<b>Grüße</b>"


def test_what_no_xml_can_hold_is_left_out_of_html(context: Context, make_body: Body) -> None:
    body = make_body('DESCRIPTION;ALTREP="data:text/html,a%0B%00%EF%BF%BF%3Cb%3Eb%3C/b%3E%0Ac":a b c')
    assert to_item(parse(body), context, None).content.html == "a   <b>b</b>\nc"


def test_a_large_html_is_exchanges_alone(context: Context, make_body: Body, make_item: MakeItem) -> None:
    html = "<b>x</b>" + "<p>And a long text.</p>" * 8000
    content = to_item(parse(make_body(f'DESCRIPTION;ALTREP="data:text/html,{quote(html)}":x')), context, None).content
    assert content.html == html
    assert "DESCRIPTION" not in (content.kept or "")
    item = make_item(content)
    assert changed(content, to_item(parse(to_ical(item, context).text), context, item).content) == frozenset()


PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<ul><li>",
        "<a href='x:y\"&'>",
        "<img src=cid:1 alt=a>",
        "<!--",
        "-->",
        "<br>",
        "<script>",
        "</script>",
        "&lt;",
        "&nbsp;",
        "<",
        ">",
        "<table><tr><td>",
        "<o:p>",
        "</o:p>",
        "<pre>",
        "</pre>",
    ]
)


@given(html=st.lists(PIECES | st.text(max_size=8)).map("".join))
def test_reduced_html_says_the_same(html: str) -> None:
    once = reduce_html(html)
    assert same_html(reduce_html(once), once)
    assert same_html(html, once)
    assert (formatted(html) is None) == (formatted(once) is None)


@pytest.mark.parametrize(
    ("html", "reduced"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<body onload='x()'><div style=a>a&nbsp;b</div></body>", "<div>a b</div>"),
        ("<a href=' javascript:x()'>a</a>", "<a>a</a>"),
        ("<a href='java\tscript:x()'>a</a>", "<a>a</a>"),
        ("<a href='java&#10;script&#9;:x()'>a</a>", "<a>a</a>"),
        ("<a href='https://x.test/?a&amp;b' class=c>b</a>", '<a href="https://x.test/?a&amp;b">b</a>'),
        ("<p>a<script>x</script>b<!-- c --></p>", "<p>ab</p>"),
        ("<EM>a</EM><font color=red>b</font>", "<i>a</i>b"),
    ],
)
def test_what_is_left_of_html(html: str, reduced: str) -> None:
    assert reduce_html(html) == reduced


def test_the_gist_knows_no_blocks_and_blanks() -> None:
    assert same_html("<p>Hello <b>all</b></p>\n<p>you</p>", "<div>Hello\n<strong>all</strong></div><br>you")
    assert not same_html("<b>a</b>", "a")


@pytest.mark.parametrize("depth", [100, 300, 3000])
def test_html_that_nests_deeply_is_told_to_its_end(depth: int) -> None:
    html = "<div>" * depth + "<p>inside" + "</p>" + "</div>" * depth + "<p>after</p>"
    assert gist(reduce_html(html)) == "inside after"
    assert not same_html(html, html.replace("after", "later"))


def test_one_very_long_text_is_told_to_its_end() -> None:
    html = f"<p><b>{'x' * 11_000_000}</b></p><p>after</p>"
    assert reduce_html(html).endswith("<p>after</p>")


def test_large_bodies_are_not_held_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(40):
            reduce_html(f"<p>{number} {'x' * 500_000}</p>")
        assert tracemalloc.get_traced_memory()[0] < 10_000_000
    finally:
        tracemalloc.stop()
