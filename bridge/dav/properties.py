"""The properties of each kind of resource. What is not in a table is answered 404: nothing is claimed that is not so.

Left out on purpose: creation and modification dates of collections (Exchange tells none), calendar-description,
inbox and outbox (there is no scheduling here), locks, quota.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from bridge.dav.collations import COLLATIONS
from bridge.dav.multistatus import Property
from bridge.dav.response import CALENDAR
from bridge.dav.views import CalendarView, HomeView, ResourceView
from bridge.dav.xml import CALDAV, CALENDARSERVER, DAV, text
from bridge.ids import Path, make_token
from bridge.model import Rights

CALENDAR_DATA = f"{CALDAV}calendar-data"

REPORTS = ("C:calendar-query", "C:calendar-multiget", "C:free-busy-query", "D:sync-collection")
"""The reports there are, all on calendars only."""

_SUPPORTED_PRIVILEGES = (
    "<D:supported-privilege><D:privilege><D:all/></D:privilege><D:abstract/>"
    '<D:description xml:lang="en">Everything</D:description>'
    "<D:supported-privilege><D:privilege><D:read/></D:privilege>"
    '<D:description xml:lang="en">Read</D:description>'
    "<D:supported-privilege><D:privilege><D:read-current-user-privilege-set/></D:privilege>"
    '<D:description xml:lang="en">Read one\'s own privileges</D:description></D:supported-privilege>'
    "<D:supported-privilege><D:privilege><C:read-free-busy/></D:privilege>"
    '<D:description xml:lang="en">See when the owner is busy</D:description></D:supported-privilege>'
    "</D:supported-privilege>"
    "<D:supported-privilege><D:privilege><D:write/></D:privilege>"
    '<D:description xml:lang="en">Add, change and delete events</D:description>'
    "<D:supported-privilege><D:privilege><D:write-content/></D:privilege>"
    '<D:description xml:lang="en">Change events</D:description></D:supported-privilege>'
    "<D:supported-privilege><D:privilege><D:bind/></D:privilege>"
    '<D:description xml:lang="en">Add events</D:description></D:supported-privilege>'
    "<D:supported-privilege><D:privilege><D:unbind/></D:privilege>"
    '<D:description xml:lang="en">Delete events</D:description></D:supported-privilege>'
    "</D:supported-privilege></D:supported-privilege>"
)
"""RFC 3744 5.3. ``write`` is an aggregate of what Exchange's rights on items allow; write-properties is in none."""


def _href(href: str) -> str:
    return f"<D:href>{href}</D:href>"


def _privileges(names: Iterable[str]) -> str:
    return "".join(f"<D:privilege><D:{name}/></D:privilege>" for name in names)


def _privileges_of(rights: Rights) -> str:
    """Give the viewer's privileges on a calendar.

    A client that may only create or only modify gets no write privilege: its edits need both. Never
    write-properties: Thunderbird takes it for the right to edit events.
    """
    granted = (
        ("read", rights.read),
        ("read-current-user-privilege-set", rights.read),
        ("write", rights.write),
        ("write-content", rights.write),
        ("bind", rights.write),
        ("unbind", rights.delete),
    )
    read_free_busy = "<D:privilege><C:read-free-busy/></D:privilege>" if rights.read else ""  # RFC 4791 6.1.1
    return _privileges(name for name, is_granted in granted if is_granted) + read_free_busy


def _addresses(home: HomeView) -> list[str]:
    """Give the mailbox's addresses, the primary one first: clients write it into the events they organise."""
    mailbox = home.login.mailbox
    return [mailbox.address, *sorted(mailbox.aliases - {mailbox.address})]


_View = TypeVar("_View")


def _table(*properties: Property[_View]) -> Mapping[str, Property[_View]]:
    return {each.name: each for each in properties}


def _root_href(home: HomeView) -> str:
    return _href(home.href(Path()))


def _home_href(home: HomeView) -> str:
    return _href(home.href(home.path))


ROOT: Mapping[str, Property[HomeView]] = _table(
    Property(f"{DAV}resourcetype", lambda _: "<D:collection/>", in_allprop=True),
    Property(f"{DAV}current-user-principal", _home_href),
    Property(f"{DAV}principal-collection-set", _root_href),
    Property(f"{DAV}current-user-privilege-set", lambda _: _privileges(("read", "read-current-user-privilege-set"))),
    Property(f"{DAV}supported-privilege-set", lambda _: _SUPPORTED_PRIVILEGES),
    Property(f"{DAV}supported-report-set", lambda _: ""),
)

HOME: Mapping[str, Property[HomeView]] = _table(
    Property(f"{DAV}resourcetype", lambda _: "<D:collection/><D:principal/>", in_allprop=True),
    Property(
        f"{DAV}displayname",
        lambda home: text(home.login.mailbox.display_name or home.login.mailbox.address),
        in_allprop=True,
    ),
    Property(f"{DAV}current-user-principal", _home_href),
    Property(f"{DAV}principal-URL", _home_href),
    Property(f"{DAV}principal-collection-set", _root_href),
    Property(f"{DAV}owner", _home_href),
    Property(f"{CALDAV}calendar-home-set", _home_href),
    Property(
        f"{CALDAV}calendar-user-address-set",
        lambda home: "".join(_href(f"mailto:{text(address)}") for address in _addresses(home)),
    ),
    Property(
        f"{CALENDARSERVER}email-address-set",
        lambda home: "".join(f"<CS:email-address>{text(each)}</CS:email-address>" for each in _addresses(home)),
    ),
    Property(f"{DAV}current-user-privilege-set", lambda _: _privileges(("read", "read-current-user-privilege-set"))),
    Property(f"{DAV}supported-privilege-set", lambda _: _SUPPORTED_PRIVILEGES),
    Property(f"{DAV}supported-report-set", lambda _: ""),
)


def _token(calendar: CalendarView) -> str:
    snapshot = calendar.snapshot()
    return make_token(snapshot.epoch, snapshot.revision)


CALENDARS: Mapping[str, Property[CalendarView]] = _table(
    Property(f"{DAV}resourcetype", lambda _: "<D:collection/><C:calendar/>", in_allprop=True),
    Property(f"{DAV}displayname", lambda calendar: text(calendar.display_name), in_allprop=True),
    Property(f"{DAV}current-user-principal", lambda calendar: _home_href(calendar.home)),
    Property(f"{DAV}principal-collection-set", lambda calendar: _root_href(calendar.home)),
    Property(f"{DAV}owner", lambda calendar: _href(calendar.home.href(Path(calendar.served.owner.address)))),
    Property(f"{DAV}current-user-privilege-set", lambda calendar: _privileges_of(calendar.rights)),
    Property(f"{DAV}supported-privilege-set", lambda _: _SUPPORTED_PRIVILEGES),
    Property(
        f"{DAV}supported-report-set",
        lambda _: "".join(
            f"<D:supported-report><D:report><{report}/></D:report></D:supported-report>" for report in REPORTS
        ),
    ),
    Property(f"{CALDAV}supported-calendar-component-set", lambda _: '<C:comp name="VEVENT"/>'),
    Property(
        f"{CALDAV}supported-calendar-data", lambda _: '<C:calendar-data content-type="text/calendar" version="2.0"/>'
    ),
    Property(
        f"{CALDAV}supported-collation-set",
        lambda _: "".join(f"<C:supported-collation>{name}</C:supported-collation>" for name in COLLATIONS),
    ),
    Property(f"{CALDAV}max-resource-size", lambda calendar: str(calendar.home.max_resource_size)),
    Property(f"{CALENDARSERVER}getctag", _token),
    Property(f"{DAV}sync-token", _token),
)

RESOURCES: Mapping[str, Property[ResourceView]] = _table(
    Property(f"{DAV}resourcetype", lambda _: "", in_allprop=True),
    Property(f"{DAV}getetag", lambda resource: resource.etag, in_allprop=True),
    Property(f"{DAV}getcontenttype", lambda _: CALENDAR, in_allprop=True),
    Property(
        f"{DAV}getcontentlength",
        lambda resource: str(resource.listed.size if resource.text is None else len(resource.text)),
        in_allprop=True,
    ),
    Property(f"{DAV}current-user-principal", lambda resource: _home_href(resource.calendar.home)),
    Property(f"{DAV}principal-collection-set", lambda resource: _root_href(resource.calendar.home)),
    Property(
        f"{DAV}owner",
        lambda resource: _href(resource.calendar.home.href(Path(resource.calendar.served.owner.address))),
    ),
    Property(f"{DAV}current-user-privilege-set", lambda resource: _privileges_of(resource.calendar.rights)),
    Property(f"{DAV}supported-privilege-set", lambda _: _SUPPORTED_PRIVILEGES),
    Property(f"{DAV}supported-report-set", lambda _: ""),
)


def _calendar_data(resource: ResourceView) -> str | None:
    return None if resource.data is None else text(resource.data.decode("utf-8", "replace"))


REPORTED: Mapping[str, Property[ResourceView]] = {
    **RESOURCES,
    **_table(Property(CALENDAR_DATA, _calendar_data)),
}
"""What a report can give of a resource: PROPFIND never gives calendar data (RFC 4791 9.6)."""

PROTECTED = frozenset({*ROOT, *HOME, *CALENDARS, *RESOURCES, CALENDAR_DATA} - {f"{DAV}displayname"})
"""Properties that no client can set."""
