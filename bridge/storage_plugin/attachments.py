"""GET of a file of an event: fetched from Exchange when it is asked for, for who may read the event."""

from bridge.dav.files import serve_file
from bridge.dav.response import Response
from bridge.errors import NotFound
from bridge.ids import Path
from bridge.storage_plugin.visit import Visit


def get_file(visit: Visit) -> Response:
    """Give a file. The event is looked up in the viewer's own mirror, so that nobody reads by knowing a link.

    Raises NotFound only where Exchange has told that the event does not have the file.
    """
    place, conditions = visit.request.file, visit.request.conditions
    if place is None:
        raise NotFound("There is no file at this address.")
    calendar = visit.calendar(Path(place.principal, place.calendar))
    file = visit.store.attachment(visit.login, calendar.served, place.name, place.key)
    return serve_file(file, conditions)
