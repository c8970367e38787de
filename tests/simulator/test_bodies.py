"""Bodies: HTML in Exchange's form, text made of it, HTML made of text, and what MAPI says of them."""

import base64
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any

import pytest

from bridge.simulator import Simulator
from bridge.simulator.html_body import from_text, normalised, through_rtf
from bridge.simulator.html_text import text_of_html

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
TIMES = "<t:Start>2026-03-03T10:00:00Z</t:Start><t:End>2026-03-03T11:00:00Z</t:End>"
META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
DIRTY = '<P CLASS=x onclick="y()">a<!-- c --><script>z</script>b</P>'
PLAIN = '<t:ExtendedFieldURI PropertyTag="0x1000" PropertyType="String"/>'
HTML = '<t:ExtendedFieldURI PropertyTag="0x1013" PropertyType="Binary"/>'
NATIVE = '<t:ExtendedFieldURI PropertyTag="0x1016" PropertyType="Integer"/>'


def body(kind: str, text: str) -> str:
    return f'<t:Body BodyType="{kind}">{escape(text)}</t:Body>'


def read(ask: Any, item: Any, shape: str = "", paths: str = "item:Body", version: str = "Exchange2013") -> Any:
    """Give the item; `shape` is what stands behind BaseShape."""
    uris = "".join(p if p.startswith("<") else f'<t:FieldURI FieldURI="{p}"/>' for p in paths.split(" ; "))
    (message,) = ask(
        f"<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{shape}<t:AdditionalProperties>{uris}"
        f'</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:GetItem>',
        version=version,
    )
    return next(message.iter(f"{T}CalendarItem"))


def told(ask: Any, item: Any, kind: str) -> tuple[str | None, str | None]:
    found = read(ask, item, f"<t:BodyType>{kind}</t:BodyType>").find(f"{T}Body")
    return found.get("BodyType"), found.text


def properties(item: Any) -> list[str]:
    return [element.text for element in item.iter(f"{T}Value")]


@pytest.mark.parametrize(
    ("given", "inside"),
    [
        ("Größe <B Class=x>fett</B><BR/>x", 'Größe <b class="x">fett</b><br>x'),
        ("<p>open<p>next", "<p>open</p><p>next</p>"),
        ("a &lt;b&gt; &amp; 1+1&nbsp;c", "a &lt;b&gt; &amp; 1&#43;1&nbsp;c"),
        (DIRTY, '<p class="x">ab</p>'),
        ('<a href="javascript:x">l</a>', "<a>l</a>"),
        ("", ""),
        ("<!-- <html>", ""),
    ],
)
def test_html_is_told_as_a_document_of_one_form(given: str, inside: str) -> None:
    document = f"<html>\r\n<head>\r\n{META}\r\n</head>\r\n<body>\r\n{inside}\r\n</body>\r\n</html>\r\n"
    assert normalised(given, cleaned=True) == document
    assert normalised(document, cleaned=True) == document


def test_a_document_keeps_its_head_and_says_one_charset() -> None:
    given = '<html><head><meta charset="latin1"><title>T</title></head><body bgcolor=red>é\n</body></html>'
    head = f"{META}\r\n<title>T</title>"
    assert normalised(given, cleaned=True) == (
        f'<html>\r\n<head>\r\n{head}\r\n</head>\r\n<body bgcolor="red">\r\né\r\n</body>\r\n</html>\r\n'
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("<p>one</p><p>two</p>", "one\r\n\r\ntwo\r\n"),
        ("<div>one</div><div>two<br>three<br><br>four</div>", "one\r\ntwo\r\nthree\r\n\r\nfour\r\n"),
        ('see <a href="https://x.org/">here</a>.', "see here<https://x.org/>.\r\n"),
        ('<a href="mailto:a@x">a@x</a> <a href="#top">up</a>', "a@x<mailto:a@x> up\r\n"),
        ("x<ul><li>a</li><li>b</li></ul>y", "x\r\n\r\n  *   a\r\n  *   b\r\n\r\ny\r\n"),
        ("<ol><li>a<li>b</ol>", "  1.  a\r\n  2.  b\r\n"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1\t2\r\n3\r\n"),
        ('a<hr><img src="cid:1"><img alt="Plan" src="x">', f"a\r\n{'_' * 32}\r\n[cid:1][Plan]\r\n"),
        ("<style>p{}</style><!-- c -->  a \n b&nbsp;&nbsp;c ", "a b  c\r\n"),
        ("<pre>a\n  b</pre>", "a\r\n  b\r\n"),
        (" <p> </p>", ""),
    ],
)
def test_the_text_of_html(given: str, text: str) -> None:
    assert text_of_html(given) == text


def test_the_html_of_a_text() -> None:
    document = from_text("Hi  you\n\nsee http://x.org/a?b=1&c=2.")
    assert "<!-- converted from text -->" in document
    link = '<a href="http://x.org/a?b=1&amp;c=2">http://x.org/a?b=1&amp;c=2</a>'
    assert f'<div class="PlainText">Hi&nbsp; you<br>\r\n<br>\r\nsee {link}.</div>' in document


def test_a_text_comes_back_with_the_lines_of_windows(ask: Any) -> None:
    item = ask.create(f"{body('Text', 'one' + chr(10) + 'two')}{TIMES}")
    assert told(ask, item, "Best") == told(ask, item, "Text") == ("Text", "one\r\ntwo")
    kind, text = told(ask, item, "HTML")
    assert (kind, text_of_html(text or "")) == ("HTML", "one\r\ntwo\r\n")


def test_html_comes_back_as_html_and_as_text(ask: Any) -> None:
    item = ask.create(f"{body('HTML', '<b>one</b>')}{TIMES}")
    assert told(ask, item, "Best") == told(ask, item, "HTML")
    assert told(ask, item, "HTML") == ("HTML", normalised("<b>one</b>", cleaned=False))
    assert told(ask, item, "Text") == ("Text", "one\r\n")
    assert read(ask, item, paths="item:TextBody").findtext(f"{T}TextBody") == "one\r\n"
    empty = ask.create(TIMES)
    assert [told(ask, empty, kind) for kind in ("Best", "HTML", "Text")] == [
        ("Text", None),
        ("HTML", None),
        ("Text", None),
    ]


def test_scripts_go_where_a_server_takes_them_away_or_is_asked_to(
    make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]
) -> None:
    for personality, stays in (("2019", True), ("online", False)):
        ask = make_ask(make_sim(personality))
        item = ask.create(f"{body('HTML', DIRTY)}{TIMES}")
        assert ("<script>" in (told(ask, item, "HTML")[1] or "")) is stays
        filtered = read(ask, item, "<t:FilterHtmlContent>true</t:FilterHtmlContent>")
        assert "<script>" not in filtered.findtext(f"{T}Body")


def test_mapi_says_the_same(ask: Any) -> None:
    paths = f"{PLAIN} ; {HTML} ; {NATIVE}"
    html = ask.create(f"{body('HTML', '<b>one</b>')}{TIMES}")
    assert properties(read(ask, html, paths=paths)) == ["one\r\n", base64.b64encode(b"<b>one</b>").decode(), "3"]
    text = ask.create(f"{body('Text', 'one')}{TIMES}")
    assert properties(read(ask, text, paths=paths)) == ["one", "1"]
    assert properties(read(ask, ask.create(TIMES), paths=paths)) == []
    written = f"<t:ExtendedProperty>{PLAIN}<t:Value>x</t:Value></t:ExtendedProperty>"
    answer = ask.code(
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
        f"{written}{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    )
    assert answer == "ErrorInvalidOperation"


def test_2010_makes_rtf_of_html(make_sim: Callable[..., Simulator], make_ask: Callable[..., Any]) -> None:
    ask = make_ask(make_sim("2010"))
    html = '<p style="color:red">a <strong>b</strong></p><table><tr><td>1<td>2</table><a href="http://x">c</a>'
    item = ask.create(f"{body('HTML', html)}{TIMES}")
    found = read(ask, item, paths=f"item:Body ; {HTML} ; {NATIVE}", version="Exchange2010_SP2")
    assert found.findtext(f"{T}Body") == through_rtf(html)
    assert "<!-- converted from rtf -->" in through_rtf(html)
    assert '<div>a <b>b</b></div><div>1\t2</div><a href="http://x">c</a>' in through_rtf(html)
    assert properties(found) == ["2"]
    update = (
        '<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates><t:SetItemField>'
        f'<t:FieldURI FieldURI="item:Body"/><t:CalendarItem>{body("HTML", html)}</t:CalendarItem></t:SetItemField>'
        "</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
    ask(update)
    assert properties(read(ask, item, paths=NATIVE, version="Exchange2010_SP2")) == ["3"]


def test_somebody_at_exchange_writes_html(sim: Simulator, ask: Any) -> None:
    noon, one = datetime(2026, 3, 3, 12), datetime(2026, 3, 3, 13)  # noqa: DTZ001 - local to the mailbox
    item = sim.add_event("anna@example.com", subject="x", start=noon, end=one, html="<p>Hello</p>")
    assert told(ask, {"Id": item.id}, "Text") == ("Text", "Hello\r\n")
