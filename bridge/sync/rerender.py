"""Render a calendar's mirror anew, from what Exchange last told, when clients reach the bridge by another URL."""

import logging
from itertools import islice

from bridge.item import Item
from bridge.mapping.context import Context
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef
from bridge.resource import Listed, Rendered
from bridge.sync.render import Renderer

LOG = logging.getLogger(__name__)

_AT_ONCE = 200
"""Resources in one writing transaction: others write between two of them."""


def render_again(mirror: Mirror, renderer: Renderer, ref: CalendarRef, context: Context) -> None:
    """Give every resource the text that it has in this context. Exchange is asked nothing. Raises Unavailable."""
    if mirror.is_rendered_for(ref, context.calendar_url):
        return

    render_one = renderer.many(ref)

    def render(listed: Listed, facts: tuple[Item, ...]) -> Rendered | None:
        served_uid = listed.uid if listed.uid != facts[0].content.uid else None
        try:
            return render_one(listed.name, facts, context, served_uid)
        except Exception as error:  # noqa: BLE001 - one event that defeats us keeps the text it has
            LOG.warning("an event could not be rendered anew (%s)", type(error).__name__)
            return None

    names = iter(list(mirror.snapshot(ref).resources))
    while chunk := list(islice(names, _AT_ONCE)):
        mirror.render(ref, chunk, render)
    mirror.note_rendering(ref, context.calendar_url)
