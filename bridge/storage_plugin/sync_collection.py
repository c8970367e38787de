"""sync-collection on a calendar (RFC 6578)."""

from bridge.dav.multistatus import cut_response, status_response
from bridge.dav.report_bodies import SyncCollection
from bridge.dav.response import Response, multistatus
from bridge.dav.views import CalendarView
from bridge.dav.xml import text
from bridge.storage_plugin.calendar_reports import Forms
from bridge.storage_plugin.places import Hrefs
from bridge.storage_plugin.visit import Visit


def sync(visit: Visit, calendar: CalendarView, wanted: SyncCollection) -> Response:
    """Answer what changed since the token; the first time nothing is told of what is gone (RFC 6578 3.4).

    Where there is more than the client wants at once, or than has been read from Exchange so far, the calendar itself
    is answered 507 and the token leads on.
    """
    changes = visit.changes(calendar.served, wanted.token or None, wanted.limit)
    forms, href = Forms(visit, wanted), Hrefs(visit, calendar)
    responses = [written for _, written in forms.respond(calendar, changes.changed)]
    responses += [status_response(href(name), 404) for name in changes.removed]
    if changes.is_cut:
        responses.append(cut_response(visit.request.href(calendar.path)))
    return multistatus(responses, f"<D:sync-token>{text(changes.token)}</D:sync-token>", forms.headers())
