"""Two viewers of one calendar, over HTTP: what each of them dismisses, snoozes and is reminded of is his own."""

import re
from dataclasses import dataclass

import requests

from bridged import ANN, BEN, CLEO, Bridged
from events import event

SYNC = (
    '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{}</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
ACK, SNOOZED = "X-MOZ-LASTACK:20270301T085500Z", "X-MOZ-SNOOZE-TIME:20270301T090500Z"
REMINDERS = ("ReminderIsSet", "ReminderMinutesBeforeStart")


def alarm(minutes: int) -> str:
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT{minutes}M\r\nEND:VALARM"


@dataclass
class Viewer:
    """One who has Ann's calendar in his app."""

    bridge: Bridged
    address: str
    name: str

    @property
    def url(self) -> str:
        return self.bridge.calendar(self.address, f"{ANN}~calendar")

    def get(self) -> requests.Response:
        return self.bridge.ask("GET", self.url + self.name, person=self.address)

    def save(self, *lines: str) -> requests.Response:
        """Save the event as it is served with these lines in it, as an app does that stamps what it saves."""
        served = self.get()
        said = served.text.replace("END:VEVENT", "".join(f"{line}\r\n" for line in lines) + "END:VEVENT")
        return self.put(re.sub("LAST-MODIFIED:.*?\r", "LAST-MODIFIED:20280101T000000Z\r", said), served.headers["ETag"])

    def put(self, said: str, etag: str) -> requests.Response:
        asked = {"Content_Type": "text/calendar; charset=utf-8", "If_Match": etag}
        return self.bridge.ask("PUT", self.url + self.name, said.encode(), person=self.address, **asked)

    def news(self, token: str = "") -> tuple[bool, str]:
        """Ask what is new; say whether this event is, and give the next token."""
        answer = self.bridge.ask("REPORT", self.url, SYNC.format(token), person=self.address, Content_Type="text/xml")
        assert answer.status_code == 207
        found = re.search("<[^>]*sync-token>([^<]+)<", answer.text)
        assert found
        return self.name in answer.text, found[1]


def test_a_reader_and_a_writer_dismiss_and_are_reminded_each_by_himself(everywhere: Bridged) -> None:
    bridge, name = everywhere, "personal.ics"
    bridge.put(name, event("personal-1", "Hers", "X-OTHER:1", alarm(15)))
    (item,) = (one for one in bridge.exchange.events(ANN) if one.uid == "personal-1")
    reminder = [item.values.get(element) for element in REMINDERS]
    ben, cleo = Viewer(bridge, BEN, name), Viewer(bridge, CLEO, name)
    assert [("VALARM" in one.get().text, "X-OTHER:1" in one.get().text) for one in (ben, cleo)] == [(False, True)] * 2
    tokens = {one.address: one.news()[1] for one in (ben, cleo)}

    assert ben.save(ACK, alarm(5)).status_code == 204
    assert [one.news(tokens[one.address])[0] for one in (ben, cleo)] == [True, False]
    assert cleo.save(SNOOZED, alarm(60)).status_code == 204

    # Neither has written anything, and neither is shown what is the other's
    (after,) = (one for one in bridge.exchange.events(ANN) if one.uid == "personal-1")
    assert after.change == item.change
    texts = [one.get().text for one in (ben, cleo)] + [bridge.ask("GET", bridge.calendar() + name).text]
    lines = (ACK, alarm(5), SNOOZED, alarm(60), alarm(15))
    assert [[line in text for line in lines] for text in texts] == [
        [True, True, False, False, False],
        [False, False, True, True, False],
        [False, False, False, False, True],
    ]

    # The reader may change nothing else, and what the writer changes besides leaves the owner's reminder as it is
    served = ben.get()
    assert ben.put(served.text.replace("Hers", "His"), served.headers["ETag"]).status_code == 403
    served = cleo.get()
    assert cleo.put(served.text.replace("Hers", "Changed"), served.headers["ETag"]).status_code == 204
    assert [
        ("SUMMARY:Changed" in text, ACK in text, SNOOZED in text) for text in (ben.get().text, cleo.get().text)
    ] == [
        (True, True, False),
        (True, False, True),
    ]
    (after,) = (one for one in bridge.exchange.events(ANN) if one.uid == "personal-1")
    assert [after.values.get(element) for element in REMINDERS] == reminder
    assert alarm(15) in bridge.ask("GET", bridge.calendar() + name).text


def test_what_is_personal_stands_neither_in_the_logs_nor_in_the_clear_on_disk(bridge: Bridged) -> None:
    bridge.put("whispered.ics", event("personal-2"))
    ben = Viewer(bridge, BEN, "whispered.ics")
    assert ben.save(alarm(5).replace("DESCRIPTION:x", "DESCRIPTION:Whispered-Alarm")).status_code == 204
    assert "Whispered-Alarm" in ben.get().text
    files = [path for path in (bridge.folder / "own").rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert "Whispered-Alarm" not in bridge.running.told
    assert [path for path in files if b"Whispered-Alarm" in path.read_bytes()] == []
