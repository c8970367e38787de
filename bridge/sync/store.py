"""What the DAV side and the pages read and write: calendars, their resources, and changes to them."""

from collections.abc import Iterable

from bridge.model import CalendarName, Changes, Conditions, Login, Name, ServedCalendar, Snapshot, Stored


class CalendarStore:
    """Every read and write of calendars, for one organisation. Safe to call from many threads."""

    def calendars(self, login: Login) -> tuple[ServedCalendar, ...]:
        """List what the viewer may see, the default calendar first. Raises Unavailable."""
        raise NotImplementedError

    def calendar(self, login: Login, name: CalendarName) -> ServedCalendar:
        """Give one of the viewer's calendars. Raises NotFound, Unavailable."""
        raise NotImplementedError

    def snapshot(self, login: Login, served: ServedCalendar, *, fresh: bool = False) -> Snapshot:
        """Give the calendar as mirrored, brought up to date first where the freshness policy says so.

        ``fresh`` is a client's ``Cache-Control: no-cache``. Raises Unavailable when nothing whole is known.
        """
        raise NotImplementedError

    def texts(self, served: ServedCalendar, names: Iterable[Name]) -> dict[Name, bytes]:
        """Give the bytes served for these resources, from the mirror; names that are not there are left out."""
        raise NotImplementedError

    def changes(self, login: Login, served: ServedCalendar, token: str | None) -> Changes:
        """Give what changed since the token; None or empty lists everything. Raises TokenUnknown, Unavailable."""
        raise NotImplementedError

    def put(self, login: Login, served: ServedCalendar, name: Name, body: bytes, conditions: Conditions) -> Stored:
        """Write a resource to Exchange and read it back. Raises Refused and its kinds, Unavailable."""
        raise NotImplementedError

    def delete(self, login: Login, served: ServedCalendar, name: Name, conditions: Conditions) -> None:
        """Delete a resource at Exchange. Raises NotFound, PreconditionFailed, NotPermitted, Unavailable."""
        raise NotImplementedError
