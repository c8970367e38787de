"""python-caldav, a client that nobody here wrote, over HTTP."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from caldav.davclient import DAVClient
from caldav.lib import error


class Quiet(WSGIRequestHandler):
    """Writes no log to the terminal."""

    def log_message(self, *_: Any) -> None:
        """Drop it."""


@pytest.fixture
def client(app: Any) -> Iterator[Any]:
    """Log in as alice at a server on a free port."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        try:
            with DAVClient(url=url, username="alice@example.com", password="open sesame") as client:
                yield client
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def calendar(client: Any) -> Any:
    """Give alice's default calendar."""
    return next(each for each in client.principal().calendars() if each.get_display_name() == "Calendar")


def test_it_finds_the_principal_and_every_calendar(client: Any) -> None:
    principal = client.principal()
    names = [each.get_display_name() for each in principal.calendars()]
    assert names == ["Calendar", "Besprechungen <Größe>", "Calendar (Bob Böhm & Söhne)"]
    assert "mailto:alice@example.com" in principal.calendar_user_address_set()


def test_it_adds_finds_changes_and_deletes_an_event(calendar: Any) -> None:
    start, end = datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)
    added = calendar.save_event(dtstart=start, dtend=end, summary="Lunch", uid="lunch@example.com")
    assert [each.id for each in calendar.events()] == ["lunch@example.com"]
    in_march = calendar.search(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 2, tzinfo=UTC), event=True)
    assert [each.url for each in in_march] == [added.url]
    found = calendar.event_by_uid("lunch@example.com")
    found.icalendar_component["SUMMARY"] = "Dinner"
    found.save()
    assert "Dinner" in calendar.event_by_uid("lunch@example.com").data
    found.delete()
    assert calendar.events() == []
    with pytest.raises(error.NotFoundError):
        calendar.event_by_uid("lunch@example.com")


def test_it_follows_changes_by_their_tokens(calendar: Any, fill: Any, store: Any) -> None:
    kept = fill("one.ics", "two.ics")
    known = calendar.objects_by_sync_token()
    assert len(list(known)) == 2
    fill("three.ics")
    store._write(kept, "one.ics", None)
    changed = {each.url.path.rpartition("/")[2] for each in calendar.objects_by_sync_token(known.sync_token)}
    assert changed == {"one.ics", "three.ics"}
