"""The properties of calendars and of what is in them."""

from collections.abc import Mapping

from bridge.dav.collations import COLLATIONS
from bridge.dav.multistatus import Property
from bridge.dav.privileges import privileges_of
from bridge.dav.properties import CALENDAR_DATA, common, hrefs, table
from bridge.dav.response import CALENDAR
from bridge.dav.views import CalendarView, ResourceView
from bridge.dav.xml import CALDAV, CALENDARSERVER, DAV, text
from bridge.ids import Path, make_token
from bridge.mapping.attachments import MOST_FILES

REPORTS = ("C:calendar-query", "C:calendar-multiget", "C:free-busy-query", "D:sync-collection", "D:expand-property")
"""Those that a calendar answers."""


def _token(calendar: CalendarView) -> str:
    snapshot = calendar.snapshot()
    return make_token(snapshot.epoch, snapshot.revision)


def _owner(calendar: CalendarView) -> str:
    return hrefs(calendar.home, [Path(calendar.served.owner.address)])


CALENDARS: Mapping[str, Property[CalendarView]] = {
    **common(lambda calendar: calendar.home, lambda calendar: privileges_of(calendar.rights), REPORTS),
    **table(
        Property(f"{DAV}resourcetype", lambda _: "<D:collection/><C:calendar/>", in_allprop=True),
        Property(f"{DAV}displayname", lambda calendar: text(calendar.display_name), in_allprop=True),
        Property(f"{DAV}owner", _owner),
        Property(f"{CALDAV}supported-calendar-component-set", lambda _: '<C:comp name="VEVENT"/>'),
        Property(
            f"{CALDAV}supported-calendar-data",
            lambda _: '<C:calendar-data content-type="text/calendar" version="2.0"/>',
        ),
        Property(
            f"{CALDAV}supported-collation-set",
            lambda _: "".join(f"<C:supported-collation>{name}</C:supported-collation>" for name in COLLATIONS),
        ),
        Property(f"{CALDAV}max-resource-size", lambda calendar: str(calendar.home.max_resource_size)),
        # RFC 8607 6.2, 6.3. A file comes within its event, and BASE64 makes four bytes of three.
        Property(f"{CALDAV}max-attachment-size", lambda calendar: str(calendar.home.max_resource_size * 3 // 4)),
        Property(f"{CALDAV}max-attachments-per-resource", lambda _: str(MOST_FILES)),
        # The years Exchange has, as `bridge.mapping.times` takes them.
        Property(f"{CALDAV}min-date-time", lambda _: "16020101T000000Z"),
        Property(f"{CALDAV}max-date-time", lambda _: "44991231T235959Z"),
        # Exchange tells others of the default calendar alone (RFC 6638 9.1).
        Property(
            f"{CALDAV}schedule-calendar-transp",
            lambda calendar: "<C:opaque/>" if calendar.served.calendar.is_default else "<C:transparent/>",
        ),
        # RFC 5995 3.2.1: a POST of an event to the calendar itself.
        Property(
            f"{DAV}add-member",
            lambda calendar: hrefs(calendar.home, [calendar.path]) if calendar.rights.write else None,
        ),
        Property(f"{CALENDARSERVER}getctag", _token),
        Property(f"{DAV}sync-token", _token),
    ),
}

RESOURCES: Mapping[str, Property[ResourceView]] = {
    **common(
        lambda resource: resource.calendar.home,
        lambda resource: privileges_of(resource.calendar.rights),
        ("D:expand-property",),
    ),
    **table(
        Property(f"{DAV}resourcetype", lambda _: "", in_allprop=True),
        Property(f"{DAV}getetag", lambda resource: resource.etag, in_allprop=True),
        Property(f"{DAV}getcontenttype", lambda _: CALENDAR, in_allprop=True),
        Property(
            f"{DAV}getcontentlength",
            lambda resource: str(resource.listed.size if resource.text is None else len(resource.text)),
            in_allprop=True,
        ),
        Property(f"{DAV}owner", lambda resource: _owner(resource.calendar)),
    ),
}


def _calendar_data(resource: ResourceView) -> str | None:
    return None if resource.data is None else text(resource.data.decode("utf-8", "replace"))


REPORTED: Mapping[str, Property[ResourceView]] = {
    **RESOURCES,
    **table(Property(CALENDAR_DATA, _calendar_data)),
}
"""What a report can give of a resource: PROPFIND never gives calendar data (RFC 4791 9.6)."""
