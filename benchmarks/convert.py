"""What converting an event costs: iCalendar to an item of Exchange, and an item to iCalendar.

The event is of 2 KB: two attendees, an alarm, a zone whose VTIMEZONE has been written before. The formatted body is
such as Outlook writes, of some 6 KB of HTML.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from bridge.item import ChangeKey, Content, Item, ItemId, ItemRef, Zone
from bridge.mapping.calendar_object import parse
from bridge.mapping.context import Context
from bridge.mapping.series import to_ical, to_items
from bridge.model import Address, Mailbox

CONTEXT = Context(Mailbox(Address("anna@example.test"), "Anna Arendt"), Zone("W. Europe Standard Time"))
EVENT = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
        "BEGIN:VEVENT",
        "UID:8a3f6c1e-7f7b-4d0e-9a55-3f9d2f6b1c77",
        "DTSTAMP:20260301T090000Z",
        "CREATED:20260301T090000Z",
        "LAST-MODIFIED:20260302T100000Z",
        "SUMMARY:Status of the project\\, with figures",
        "DTSTART;TZID=Europe/Berlin:20260310T100000",
        "DTEND;TZID=Europe/Berlin:20260310T110000",
        "LOCATION:Room 12",
        "DESCRIPTION:" + "Agenda: figures\\, plans\\, risks and what to do about them.\\n" * 22,
        "CATEGORIES:Work,Projects",
        "ORGANIZER;CN=Anna Arendt:mailto:anna@example.test",
        "ATTENDEE;CN=Bea Doe;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:bea@example.test",
        "ATTENDEE;CN=Carl Roe;PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT:mailto:carl@example.test",
        "TRANSP:OPAQUE",
        "X-MOZ-GENERATION:2",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT15M",
        "DESCRIPTION:Reminder",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
).encode()
HTML = (
    "<html><head><style>p.MsoNormal{margin:0cm;font-size:11.0pt;font-family:Calibri}</style></head><body lang=DE>"
    + '<p class=MsoNormal style="margin:0"><span style="color:black">Agenda: <b>figures</b>, plans, risks</span></p>'
    * 50
    + "</body></html>"
)


def measure(add: Callable[[str, str, str], None]) -> None:
    """Measure both directions and give rows: name, figure, goal."""
    wanted = to_items(parse(EVENT), CONTEXT, ())
    if wanted.master is None:
        raise RuntimeError("the event of the bench has no master")
    item = _item(wanted.master)
    add(
        "item to iCalendar, 2 KB, two attendees",
        f"{_median_ms(lambda: to_ical((item,), CONTEXT)):.2f} ms",
        "under 1 ms",
    )
    into = _median_ms(lambda: to_items(parse(EVENT), CONTEXT, ()))
    add("iCalendar to item", f"{into:.2f} ms", "under 4 ms")
    add(
        "the same over an item that is there",
        f"{_median_ms(lambda: to_items(parse(EVENT), CONTEXT, (item,))):.2f} ms",
        "under 4 ms",
    )
    numbers = iter(range(1_000_000))
    formatted = _median_ms(lambda: to_ical((_formatted(item, next(numbers)),), CONTEXT))
    add("item with a formatted body to iCalendar", f"{formatted:.2f} ms", "")


def _item(content: Content) -> Item:
    return Item(ItemRef(ItemId("item"), ChangeKey("key")), content)


def _formatted(item: Item, number: int) -> Item:
    """Give the item with another formatted body each time: what was reduced before is remembered."""
    return replace(item, content=replace(item.content, html=HTML.replace("Agenda", f"Agenda {number}"), kept=None))


def _median_ms(convert: Callable[[], object], times: int = 400) -> float:
    convert()
    taken = []
    for _time in range(times):
        began = time.perf_counter()
        convert()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    measure(lambda name, figure, goal: print(f"{name:68} {figure:>16}   {goal}"))
