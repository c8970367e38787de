"""What the properties of all kinds of places have in common. What is in no table is answered 404: nothing is claimed.

Left out on purpose: creation and modification dates of collections (Exchange tells none), inbox and outbox (there is no
scheduling here), locks, quota, and max-instances (RFC 4791 5.2.8): series without an end are held too.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from bridge.dav.multistatus import Property
from bridge.dav.privileges import ACL_RESTRICTIONS, SUPPORTED_PRIVILEGES, to_acl, to_privilege_set
from bridge.dav.views import HomeView
from bridge.dav.xml import CALDAV, DAV
from bridge.ids import Path

CALENDAR_DATA = f"{CALDAV}calendar-data"

_View = TypeVar("_View")


def table(*properties: Property[_View]) -> Mapping[str, Property[_View]]:
    """Give properties by name."""
    return {each.name: each for each in properties}


def hrefs(home: HomeView, paths: Iterable[Path]) -> str:
    """Give places as DAV:href elements."""
    return "".join(f"<D:href>{home.href(path)}</D:href>" for path in paths)


def common(
    home: Callable[[_View], HomeView], privileges: Callable[[_View], tuple[str, ...]], reports: Iterable[str]
) -> Mapping[str, Property[_View]]:
    """Give the properties that lead from a place to the viewer, and those of access control (RFC 3744 5).

    ``home`` and ``privileges`` give the viewer and what he may do of a view; ``reports`` are those that are answered.
    """
    report_set = "".join(f"<D:supported-report><D:report><{name}/></D:report></D:supported-report>" for name in reports)

    def principal(view: _View) -> str:
        return hrefs(home(view), [home(view).path])

    def acl(view: _View) -> str:
        return to_acl(home(view).href(home(view).path), privileges(view))

    return table(
        Property(f"{DAV}current-user-principal", principal),
        Property(f"{DAV}principal-collection-set", lambda view: hrefs(home(view), [Path()])),
        Property(f"{DAV}supported-report-set", lambda _: report_set),
        Property(f"{DAV}current-user-privilege-set", lambda view: to_privilege_set(privileges(view))),
        Property(f"{DAV}supported-privilege-set", lambda _: SUPPORTED_PRIVILEGES),
        Property(f"{DAV}acl", acl),
        Property(f"{DAV}acl-restrictions", lambda _: ACL_RESTRICTIONS),
        Property(f"{DAV}inherited-acl-set", lambda _: ""),
    )
