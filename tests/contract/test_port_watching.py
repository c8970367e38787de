"""What every back end of the port does to tell of changes, and for a service account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import AccessDenied, CredentialRefused, FolderMissing, RequestRefused
from bridge.exchange import Deadline, Deletion, Notifications, Stream, Subscription, SubscriptionId
from bridge.item import Attribute, Content, ItemRef, Uid
from bridge.model import Address, Caller, ServiceCredential

from heard import Heard
from port_subject import Subject

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def soon() -> Deadline:
    return Deadline.after(20)


def content(uid: str, subject_line: str = "Watched") -> Content:
    return Content(Uid(uid), subject_line, START, START + HOUR)


def create(subject: Subject, uid: str) -> ItemRef:
    return subject.exchange.create(subject.owner, subject.calendar, content(uid), soon())


def streams(subject: Subject) -> None:
    if subject.exchange.capabilities(subject.owner, soon()).notifications is not Notifications.STREAM:
        pytest.skip("this server does not stream")


@contextmanager
def listening(subject: Subject, caller: Caller, *subscriptions: Subscription) -> Iterator[Stream]:
    stream = subject.exchange.listen(caller, subscriptions, 10, soon())
    try:
        yield stream
    finally:
        stream.close()


def subscribed(subject: Subject, caller: Caller, how: Notifications) -> Subscription:
    return subject.exchange.subscribe(caller, [subject.calendar], how, soon())


@pytest.mark.parametrize("is_service", [False, True])
def test_a_stream_tells_of_each_change_in_its_calendars(subject: Subject, is_service: bool) -> None:
    streams(subject)
    caller = subject.service if is_service else subject.owner
    subscription = subscribed(subject, caller, Notifications.STREAM)
    assert (subscription.mailbox, subscription.watermark) == (subject.calendar.mailbox, None)
    with listening(subject, caller, subscription) as stream:
        heard = Heard(stream)
        ref = create(subject, "watch-1")
        for step in range(3):
            heard.woken.clear()
            if step == 1:
                changed = frozenset({Attribute("subject")})
                new = content("watch-1", "Other")
                ref = subject.exchange.update(subject.owner, subject.calendar, ref, new, changed, soon())
            elif step == 2:
                subject.exchange.delete(subject.owner, subject.calendar, ref, Deletion.TO_DELETED_ITEMS, soon())
            heard.until(lambda heard: any(subject.calendar.folder in woken.folders for woken in heard.woken))
            assert {woken.subscription for woken in heard.woken} == {subscription.id}
            assert not any(woken.is_lost for woken in heard.woken)
    subject.exchange.unsubscribe(caller, subscription, soon())
    subject.exchange.unsubscribe(caller, subscription, soon())


def test_what_changed_before_a_stream_was_opened_is_told_by_it(subject: Subject) -> None:
    streams(subject)
    subscription = subscribed(subject, subject.owner, Notifications.STREAM)
    create(subject, "watch-before")
    with listening(subject, subject.owner, subscription) as stream:
        heard = Heard(stream).until(lambda heard: bool(heard.woken))
        assert subject.calendar.folder in heard.woken[0].folders


def test_one_stream_tells_of_several_subscriptions(subject: Subject) -> None:
    streams(subject)
    calendars = subject.exchange.calendars(subject.owner, subject.calendar.mailbox, soon())
    one, two = (
        subject.exchange.subscribe(subject.owner, [calendar.ref], Notifications.STREAM, soon())
        for calendar in calendars[:2]
    )
    with listening(subject, subject.owner, one, two) as stream:
        heard = Heard(stream)
        subject.exchange.create(subject.owner, calendars[1].ref, content("watch-second"), soon())
        heard.until(lambda heard: any(woken.subscription == two.id for woken in heard.woken))
        assert {folder for woken in heard.woken for folder in woken.folders} == {calendars[1].ref.folder}


def test_a_subscription_that_the_server_has_forgotten_is_told_as_lost(subject: Subject) -> None:
    streams(subject)
    subscription = subscribed(subject, subject.owner, Notifications.STREAM)
    subject.lose_subscriptions()
    with listening(subject, subject.owner, subscription) as stream:
        heard = Heard(stream).until(lambda heard: bool(heard.woken))
        assert [(woken.subscription, woken.is_lost) for woken in heard.woken] == [(subscription.id, True)]
    subject.exchange.unsubscribe(subject.owner, subscription, soon())
    again = subscribed(subject, subject.owner, Notifications.STREAM)
    assert again.id != subscription.id


def test_news_are_told_when_asked_and_once(subject: Subject) -> None:
    subscription = subscribed(subject, subject.owner, Notifications.PULL)
    assert subscription.watermark
    subscription, nothing = subject.exchange.news(subject.owner, subscription, soon())
    assert nothing is None
    for number in range(60):
        create(subject, f"pull-{number}")
    subscription, woken = subject.exchange.news(subject.owner, subscription, soon())
    assert woken is not None
    assert subject.calendar.folder in woken.folders
    assert (woken.subscription, woken.is_lost) == (subscription.id, False)
    subscription, nothing = subject.exchange.news(subject.owner, subscription, soon())
    assert nothing is None


def test_news_of_a_subscription_that_is_not_known_are_that_it_is_lost(subject: Subject) -> None:
    subscription = subscribed(subject, subject.owner, Notifications.PULL)
    subject.lose_subscriptions()
    _, woken = subject.exchange.news(subject.owner, subscription, soon())
    assert woken is not None
    assert (woken.subscription, woken.is_lost) == (subscription.id, True)
    subject.exchange.unsubscribe(subject.owner, subscription, soon())


def test_a_reader_is_told_or_is_told_that_he_may_not(subject: Subject) -> None:
    (shared,) = subject.exchange.calendars(subject.reader, subject.owner.viewer.address, soon())
    how = subject.exchange.capabilities(subject.reader, soon()).notifications
    if subject.delegates_subscribe:
        made = subject.exchange.subscribe(subject.reader, [shared.ref], how, soon())
        assert made.mailbox == shared.ref.mailbox
    else:
        with pytest.raises(AccessDenied):
            subject.exchange.subscribe(subject.reader, [shared.ref], how, soon())


def test_a_stranger_is_told_of_nothing(subject: Subject) -> None:
    how = subject.exchange.capabilities(subject.stranger, soon()).notifications
    with pytest.raises((AccessDenied, FolderMissing)):
        subject.exchange.subscribe(subject.stranger, [subject.calendar], how, soon())


def test_a_subscription_is_its_owners_alone(subject: Subject) -> None:
    subscription = subscribed(subject, subject.owner, Notifications.PULL)
    create(subject, "watch-other")
    _, woken = subject.exchange.news(subject.reader, subscription, soon())
    assert woken is not None
    assert woken.is_lost
    assert woken.folders == frozenset()
    unknown = replace(subscription, id=SubscriptionId("bm90aGluZw=="))
    subject.exchange.unsubscribe(subject.owner, unknown, soon())


def test_a_service_account_reads_and_writes_as_the_owner(subject: Subject) -> None:
    ref = subject.exchange.create(subject.service, subject.calendar, content("service"), soon())
    page = subject.exchange.feed(subject.owner, subject.calendar, None, soon())
    assert ref.id in [entry.ref.id for entry in page.entries]
    listed = subject.exchange.calendars(subject.service, subject.owner.viewer.address, soon())
    assert listed == subject.exchange.calendars(subject.owner, subject.owner.viewer.address, soon())
    assert subject.exchange.log_in(subject.service.credential, soon()).address == subject.owner.viewer.address


def test_an_account_that_may_not_impersonate_is_denied_and_its_login_is_not_refused(subject: Subject) -> None:
    with pytest.raises(AccessDenied):
        subject.exchange.feed(subject.meddler, subject.calendar, None, soon())
    with pytest.raises(AccessDenied):
        subject.exchange.log_in(subject.meddler.credential, soon())


def test_a_wrong_password_of_a_service_account_is_refused(subject: Subject) -> None:
    wrong = replace(subject.service.credential, password="not the password")
    with pytest.raises(CredentialRefused):
        subject.exchange.feed(replace(subject.service, credential=wrong), subject.calendar, None, soon())


def test_a_service_account_finds_nobody_who_is_not_there(subject: Subject) -> None:
    credential = subject.service.credential
    assert isinstance(credential, ServiceCredential)
    nobody = replace(subject.service, credential=replace(credential, acts_as=Address("nobody@example.test")))
    with pytest.raises((FolderMissing, AccessDenied, RequestRefused)):
        subject.exchange.feed(nobody, subject.calendar, None, soon())
