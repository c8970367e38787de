"""The plain text of HTML bodies, as people would read them."""

import pytest

from bridge.ews.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("just words", "just words"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("One<br>two<br/><br>three", "One\ntwo\n\nthree"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("<p class=MsoNormal>One</p>\r\n<p class=MsoNormal>&nbsp;</p><p class=MsoNormal>Two</p>", "One\n\nTwo"),
        ("  many \r\n\t blanks  <b> and </b> more ", "many blanks and more"),
        ("a&amp;b &lt;c&gt; &uuml; &#x1F600;", "a&b <c> ü 😀"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>  x\n\n    y</pre>after", "  x\n\n    y\nafter"),
        ("<html><head><title>T</title><style>p {}</style></head><body>B<script>x()</script></body></html>", "B"),
        ("<!-- hidden --><p>Shown<!-- hidden --> here</p>", "Shown here"),
        ('<a href="https://example.org/x">the agenda</a>', "the agenda"),
        ('<meta charset="iso-8859-1"><p>Müsli</p>', "Müsli"),
        ("<p>never <b>closed", "never closed"),
        ("<!-- nothing -->", ""),
        ('<img src="cid:a">', ""),
    ],
)
def test_the_text_of_html_is_its_words(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_elements_without_end_make_no_trouble() -> None:
    assert plain_text("<div>" * 5000 + "deep") in {"", "deep"}
