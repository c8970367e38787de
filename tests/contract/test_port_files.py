"""What every back end of the port does with files at items."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.errors import AccessDenied, ItemMissing
from bridge.exchange import Deadline, Deletion, OccurrenceWrite
from bridge.item import AttachedFile, Attribute, Content, Item, ItemId, ItemRef, Uid
from bridge.recurrence import Daily, Recurrence

from port_subject import Subject

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAP = AttachedFile("Map & more.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256)))
NOTE = AttachedFile("Notiz Ü.txt", "text/plain", b"")


def soon() -> Deadline:
    return Deadline.after(20)


def create(subject: Subject, uid: str, recurrence: Recurrence | None = None) -> ItemRef:
    content = Content(Uid(uid), "Planning", START, START + HOUR, recurrence=recurrence)
    return subject.exchange.create(subject.owner, subject.calendar, content, soon())


def read(subject: Subject, id_: ItemId) -> Item:
    (found,) = subject.exchange.get(subject.owner, subject.calendar, [id_], soon())
    assert isinstance(found, Item)
    return found


def attach(subject: Subject, ref: ItemRef, *files: AttachedFile) -> ItemRef:
    return subject.exchange.attach(subject.owner, subject.calendar, ref, files, soon())


def test_an_event_without_files_lists_none(subject: Subject) -> None:
    assert read(subject, create(subject, "contract-none").id).attachments == ()


def test_files_are_listed_and_fetched_as_they_were_attached(subject: Subject) -> None:
    ref = create(subject, "contract-files")
    new = attach(subject, ref, MAP, NOTE)
    assert new.id == ref.id
    assert new.change_key != ref.change_key
    item = read(subject, ref.id)
    assert item.ref == new
    assert [(one.name, one.content_type, one.is_inline) for one in item.attachments] == [
        (MAP.name, MAP.content_type, False),
        (NOTE.name, NOTE.content_type, False),
    ]
    got = [subject.exchange.attachment(subject.owner, subject.calendar, one.id, soon()) for one in item.attachments]
    assert got == [MAP, NOTE]


def test_the_feed_tells_that_a_file_came(subject: Subject) -> None:
    ref = create(subject, "contract-feed")
    page = subject.exchange.feed(subject.owner, subject.calendar, None, soon())
    new = attach(subject, ref, MAP)
    (entry,) = subject.exchange.feed(subject.owner, subject.calendar, page.cursor, soon()).entries
    assert entry.ref == new


def test_a_file_that_is_taken_away_is_gone_and_can_be_taken_away_again(subject: Subject) -> None:
    ref = attach(subject, create(subject, "contract-detach"), MAP, NOTE)
    gone, left = read(subject, ref.id).attachments
    for _time in range(2):
        ref = subject.exchange.detach(subject.owner, subject.calendar, ref, [gone.id], soon())
        item = read(subject, ref.id)
        assert item.ref == ref
        assert [one.name for one in item.attachments] == [left.name]
    with pytest.raises(ItemMissing):
        subject.exchange.attachment(subject.owner, subject.calendar, gone.id, soon())
    assert subject.exchange.attachment(subject.owner, subject.calendar, left.id, soon()) == NOTE


def test_no_files_change_nothing(subject: Subject) -> None:
    ref = create(subject, "contract-nothing")
    assert attach(subject, ref) == ref
    assert subject.exchange.detach(subject.owner, subject.calendar, ref, [], soon()) == ref
    assert read(subject, ref.id).ref == ref


def test_an_event_that_is_gone_takes_no_file_and_gives_none(subject: Subject) -> None:
    ref = attach(subject, create(subject, "contract-gone"), MAP)
    (file,) = read(subject, ref.id).attachments
    subject.exchange.delete(subject.owner, subject.calendar, ref, Deletion.SOFT, soon())
    with pytest.raises(ItemMissing):
        attach(subject, ref, MAP)
    with pytest.raises(ItemMissing):
        subject.exchange.attachment(subject.owner, subject.calendar, file.id, soon())


def test_a_reader_fetches_files_and_may_not_attach_any(subject: Subject) -> None:
    ref = attach(subject, create(subject, "contract-reader"), MAP)
    (calendar,) = subject.exchange.calendars(subject.reader, subject.owner.viewer.address, soon())
    (item,) = subject.exchange.get(subject.reader, calendar.ref, [ref.id], soon())
    assert isinstance(item, Item)
    (file,) = item.attachments
    assert subject.exchange.attachment(subject.reader, calendar.ref, file.id, soon()) == MAP
    with pytest.raises(AccessDenied):
        subject.exchange.attach(subject.reader, calendar.ref, item.ref, [NOTE], soon())
    with pytest.raises(AccessDenied):
        subject.exchange.detach(subject.reader, calendar.ref, item.ref, [file.id], soon())


def test_a_changed_occurrence_has_files_of_its_own(subject: Subject) -> None:
    master = read(subject, create(subject, "contract-series", Recurrence(Daily(1), date(2027, 3, 1), count=5)).id)
    start = START + timedelta(days=1)
    content = replace(master.content, subject="Own", start=start, end=start + HOUR, recurrence=None)
    write = OccurrenceWrite(2, content, frozenset({Attribute("subject")}))
    (ref,) = subject.exchange.update_occurrences(subject.owner, subject.calendar, master.ref, [write], soon())
    assert isinstance(ref, ItemRef)
    new = attach(subject, ref, MAP)
    assert new.id == ref.id
    (file,) = read(subject, ref.id).attachments
    assert subject.exchange.attachment(subject.owner, subject.calendar, file.id, soon()) == MAP
    assert read(subject, master.ref.id).attachments == ()
    subject.exchange.detach(subject.owner, subject.calendar, new, [file.id], soon())
    assert read(subject, ref.id).attachments == ()


def test_files_go_along_to_another_calendar(subject: Subject) -> None:
    ref = attach(subject, create(subject, "contract-move"), MAP)
    listed = subject.exchange.calendars(subject.owner, subject.owner.viewer.address, soon())
    target = next(one.ref for one in listed if not one.is_default)
    moved = subject.exchange.move(subject.owner, subject.calendar, ref, target, soon())
    (item,) = subject.exchange.get(subject.owner, target, [moved.id], soon())
    assert isinstance(item, Item)
    (file,) = item.attachments
    assert subject.exchange.attachment(subject.owner, target, file.id, soon()) == MAP
