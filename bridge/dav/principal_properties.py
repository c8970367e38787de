"""The properties of the root, of the viewer's home, of other people, and of the groups of those who see calendars."""

from collections.abc import Mapping
from typing import TypeVar

from bridge.dav.multistatus import Property
from bridge.dav.privileges import KEEPING, READING
from bridge.dav.properties import common, hrefs, table
from bridge.dav.views import GroupView, HomeView, PersonView, PrincipalView
from bridge.dav.xml import CALDAV, CALENDARSERVER, DAV, text
from bridge.ids import PROXIES, Path, Proxy

SEARCHES = ("D:principal-property-search", "D:principal-search-property-set")
"""Reports that find people (RFC 3744 9.4, 9.5)."""

_Principal = TypeVar("_Principal", bound=PrincipalView)


def _mailto(view: PrincipalView) -> str:
    return "".join(f"<D:href>mailto:{text(address)}</D:href>" for address in view.addresses)


def _home(view: HomeView | PersonView | GroupView) -> HomeView:
    return view if isinstance(view, HomeView) else view.home


def _principal(kind: type[_Principal]) -> Mapping[str, Property[_Principal]]:
    """Give the properties that every principal has (RFC 3744 4)."""
    del kind  # says only for what the table is
    return table(
        Property(f"{DAV}displayname", lambda view: text(view.display_name), in_allprop=True),
        Property(f"{DAV}principal-URL", lambda view: hrefs(_home(view), [view.path])),
        Property(f"{DAV}alternate-URI-set", _mailto),
        Property(f"{DAV}owner", lambda view: hrefs(_home(view), [Path(view.path.principal)])),
        Property(f"{DAV}group-membership", lambda view: hrefs(_home(view), view.memberships())),
    )


def _user(kind: type[_Principal]) -> Mapping[str, Property[_Principal]]:
    """Give the properties of somebody who can be invited (RFC 6638 2.4)."""
    return {
        **_principal(kind),
        **table(
            Property(f"{DAV}group-member-set", lambda _: ""),
            Property(f"{CALDAV}calendar-user-address-set", _mailto),
            Property(
                f"{CALENDARSERVER}email-address-set",
                lambda view: "".join(f"<CS:email-address>{text(each)}</CS:email-address>" for each in view.addresses),
            ),
        ),
    }


_COMPONENTS = '<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>'

ROOT: Mapping[str, Property[HomeView]] = {
    **common(lambda home: home, lambda _: READING, ("D:expand-property", *SEARCHES)),
    **table(Property(f"{DAV}resourcetype", lambda _: "<D:collection/>", in_allprop=True)),
}

HOME: Mapping[str, Property[HomeView]] = {
    **common(
        lambda home: home,
        lambda _: KEEPING,
        ("C:calendar-query", "C:calendar-multiget", "C:free-busy-query", "D:expand-property", *SEARCHES),
    ),
    **_user(HomeView),
    **table(
        Property(f"{DAV}resourcetype", lambda _: "<D:collection/><D:principal/>", in_allprop=True),
        Property(f"{CALDAV}calendar-home-set", lambda home: hrefs(home, [home.path])),
        Property(f"{CALDAV}calendar-user-type", lambda _: "INDIVIDUAL"),
        Property(f"{CALDAV}schedule-default-calendar-URL", lambda home: hrefs(home, [home.default_calendar])),
        # What calendars may be made of; asked by Apple's clients before MKCALENDAR.
        Property(f"{CALDAV}supported-calendar-component-sets", lambda _: _COMPONENTS),
        Property(f"{CALENDARSERVER}calendar-proxy-read-for", lambda home: hrefs(home, home.owners(Proxy.READ))),
        Property(f"{CALENDARSERVER}calendar-proxy-write-for", lambda home: hrefs(home, home.owners(Proxy.WRITE))),
    ),
}

PERSON: Mapping[str, Property[PersonView]] = {
    **common(lambda person: person.home, lambda _: READING, ("C:free-busy-query", "D:expand-property")),
    **_user(PersonView),
    **table(
        Property(f"{DAV}resourcetype", lambda _: "<D:principal/>", in_allprop=True),
        Property(f"{CALDAV}calendar-user-type", lambda person: person.user_type),
    ),
}
"""Without a home set: calendars of others that the viewer sees stand in his own home."""

GROUP: Mapping[str, Property[GroupView]] = {
    **common(lambda group: group.home, lambda _: READING, ("D:expand-property",)),
    **_principal(GroupView),
    **table(
        Property(f"{DAV}resourcetype", lambda group: f"<D:principal/><CS:{PROXIES[group.kind]}/>", in_allprop=True),
        Property(f"{DAV}group-member-set", lambda group: hrefs(group.home, group.members())),
    ),
}
