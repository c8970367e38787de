"""expand-property anywhere (RFC 3253 3.8), and the search for people (RFC 3744 9.4)."""

from bridge.dav.expand_property import Expansion
from bridge.dav.multistatus import Kind, Selection, status_response
from bridge.dav.people_search import PeopleSearch
from bridge.dav.principal_properties import PERSON
from bridge.dav.refusals import NotServed
from bridge.dav.response import Response, multistatus
from bridge.errors import NotFound, NotPermitted
from bridge.ids import Path
from bridge.storage_plugin.places import Place, place_at, read_href
from bridge.storage_plugin.places import home as home_place
from bridge.storage_plugin.visit import Visit

_MOST_EXPANDED = 500
"""Places that one expand-property may lead to."""


def expand_property(visit: Visit, wanted: Expansion) -> Response:
    """Answer the properties of a place, and those of the places they lead to."""
    return multistatus([_Expander(visit).respond(visit.path, wanted)], headers=visit.age())


class _Expander:
    """Follows hrefs, within a limit."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._left = _MOST_EXPANDED

    def respond(self, path: Path, wanted: Expansion) -> str:
        """Give the response of a place with its hrefs followed. Raises NotFound, NotPermitted, Unavailable."""
        selection = Selection(Kind.NAMED, tuple(wanted.properties))
        place = place_at(self._visit, path).expanded(wanted, self._follow)
        return place.respond(selection, minimal=self._visit.request.preferences.minimal)

    def _follow(self, href: str, wanted: Expansion) -> str | None:
        path = read_href(self._visit, href)
        if path is None:
            return None
        self._left -= 1
        if self._left < 0:
            raise NotServed(
                403, f"This leads to more than {_MOST_EXPANDED} places.", "<D:number-of-matches-within-limits/>"
            )
        try:
            return self.respond(path, wanted)
        except NotFound:
            return status_response(href, 404)
        except NotPermitted:
            return status_response(href, 403)


def search_people(visit: Visit, wanted: PeopleSearch) -> Response:
    """Answer with the people that match: the viewer himself, those whose calendars he sees, and the directory's."""
    home, preferences = visit.home, visit.request.preferences
    responses: list[str] = []
    if wanted.holds(home.display_name, home.addresses, "INDIVIDUAL"):
        responses.append(home_place(visit).respond(wanted.selection, minimal=preferences.minimal))
    for person in visit.people(wanted.texts()):
        if person.address != home.address and wanted.holds(person.display_name, person.addresses, person.user_type):
            found = Place(home.href(person.path), PERSON, person)
            responses.append(found.respond(wanted.selection, minimal=preferences.minimal))
    return multistatus(responses, headers=preferences.applied(minimal=True))
