"""Every error as an HTTP answer."""

import logging

import pytest
from lxml import etree

from bridge import errors
from bridge.dav.refusals import Asked, answer, unexpected
from bridge.errors import BridgeError
from bridge.ids import Path
from bridge.model import Address, CalendarName, Name

EVENT = Path(Address("a@b.c"), CalendarName("calendar"), Name("é.ics"))
ASKED = Asked("the realm", "/x", EVENT)
DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
WHY = "A sentence."


@pytest.mark.parametrize(
    ("problem", "status", "precondition"),
    [
        (errors.LoginRefused(WHY), 401, None),
        (errors.NotFound(WHY), 404, None),
        (errors.NotPermitted(WHY, "write-content"), 403, f"{DAV}need-privileges"),
        (errors.PreconditionFailed(WHY), 412, None),
        (errors.UidTaken(WHY, "other.ics"), 409, f"{CALDAV}no-uid-conflict"),
        (errors.InvalidCalendarData(WHY), 403, f"{CALDAV}valid-calendar-data"),
        (errors.InvalidCalendarObject(WHY), 403, f"{CALDAV}valid-calendar-object-resource"),
        (errors.UnsupportedComponent(WHY), 403, f"{CALDAV}supported-calendar-component"),
        (errors.NotExpressible(WHY), 403, f"{CALDAV}valid-calendar-object-resource"),
        (errors.TooLarge(WHY, 10), 413, f"{CALDAV}max-resource-size"),
        (errors.TokenUnknown(WHY), 403, f"{DAV}valid-sync-token"),
        (errors.ExchangeUnreachable(WHY), 503, None),
        (errors.ExchangeBusy(WHY), 503, None),
        (errors.ExchangeTimedOut(WHY), 503, None),
        (errors.AnswerUnusable(WHY), 503, None),
        (errors.ExchangeFailed(WHY), 503, None),
        (errors.MirrorFilling(WHY), 503, None),
        (errors.WriteUnderWay(WHY), 503, None),
    ],
)
def test_each_error_is_answered_as_its_docstring_says(
    problem: BridgeError, status: int, precondition: str | None
) -> None:
    found = answer(problem, ASKED)
    assert found.status == status
    assert WHY.encode() in found.body
    if precondition is None:
        assert found.headers["Content-Type"].startswith("text/plain")
    else:
        assert etree.fromstring(found.body)[0].tag == precondition


def test_every_kind_that_can_reach_a_client_is_answered_on_purpose() -> None:
    for kind in (*errors.Refused.__subclasses__(), *errors.Unavailable.__subclasses__()):
        problem = kind.__new__(kind)
        problem.__dict__.update(
            retry_after=1, privilege="read", name="n", limit=1, status=400, precondition="", headers={}
        )
        assert answer(problem, ASKED).status not in {200, 500}


def test_retry_after_is_whole_seconds_and_never_zero() -> None:
    for seconds, header in ((0.0, "1"), (0.2, "1"), (12.1, "13"), (30, "30")):
        assert answer(errors.ExchangeBusy(WHY, seconds), ASKED).headers["Retry-After"] == header


def test_a_challenge_bears_the_realm() -> None:
    assert answer(errors.LoginRefused(WHY), ASKED).headers["WWW-Authenticate"] == 'Basic realm="the realm"'


def test_a_taken_uid_says_where_it_is() -> None:
    body = etree.fromstring(answer(errors.UidTaken(WHY, "ü.ics"), ASKED).body)
    assert body.findtext(f"{CALDAV}no-uid-conflict/{DAV}href") == "/x/a@b.c/calendar/%C3%BC.ics"


@pytest.mark.parametrize(
    ("privilege", "path", "href"),
    [
        ("write-content", EVENT, "/x/a@b.c/calendar/%C3%A9.ics"),
        ("bind", EVENT, "/x/a@b.c/calendar/"),
        ("unbind", EVENT, "/x/a@b.c/calendar/"),
        ("unbind", Path(EVENT.principal, EVENT.calendar), "/x/a@b.c/"),
        ("bind", Path(EVENT.principal), "/x/"),
        ("bind", Path(), "/x/"),
        ("read", None, "/x/"),
    ],
)
def test_a_missing_privilege_says_where_and_which(privilege: str, path: Path | None, href: str) -> None:
    """RFC 3744 7.1.1: what is added or deleted needs a privilege on the collection it is in."""
    body = etree.fromstring(answer(errors.NotPermitted(WHY, privilege), Asked("", "/x", path)).body)
    assert body.findtext(f".//{DAV}href") == href
    assert body.find(f".//{DAV}privilege/{DAV}{privilege}") is not None


def test_an_answer_of_exchange_s_that_came_too_far_is_a_fault_of_ours() -> None:
    assert answer(errors.ItemChanged("The change key is stale."), ASKED).status == 500


def test_a_fault_is_logged_with_its_place_and_without_any_value(caplog: pytest.LogCaptureFixture) -> None:
    def fails(summary: str) -> None:
        raise KeyError(summary)

    def outer() -> None:
        try:
            fails("Dinner with the minister")
        except KeyError as error:
            raise ValueError("also Dinner") from error

    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="Dinner") as raised:
        outer()
    found = unexpected(raised.value)
    assert found.status == 500
    assert b"Dinner" not in found.body
    assert "Dinner" not in caplog.text
    assert "in fails" in caplog.text
    assert "KeyError" in caplog.text
