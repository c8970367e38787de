"""Others' calendars that viewers are to see, as the administrator has added them. Only he removes them."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from bridge.keys import Keys, SealBroken
from bridge.model import Address, OrganisationId
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.schema import shares

SEALED = SealedColumn(shares.c.share, (b"share", shares.c.viewer, shares.c.key), json.loads)

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class AddedShare:
    """The viewer, named by any of his addresses, also sees this calendar of the owner's."""

    viewer: Address
    owner: Address
    folder: str


class Shares:
    """The shares that were added. A change counts at once in every process."""

    def __init__(self, database: StateDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def add(self, organisation: OrganisationId, share: AddedShare) -> bool:
        """Add a share; False where it was there already."""
        viewer, key = self._place(organisation, share)
        content = json.dumps([organisation, share.viewer, share.owner, share.folder]).encode("ascii")
        sealed = self._keys.seal(content, SEALED.bound(viewer, key))
        with self._database.writing() as connection:
            if connection.execute(select(shares.c.share).where(shares.c.key == key)).first() is not None:
                return False
            connection.execute(insert(shares).values(viewer=viewer, key=key, share=sealed))
        return True

    def remove(self, organisation: OrganisationId, share: AddedShare) -> bool:
        """Remove a share; False where there is none."""
        _, key = self._place(organisation, share)
        with self._database.writing() as connection:
            return connection.execute(delete(shares).where(shares.c.key == key)).rowcount > 0

    def all(self, organisation: OrganisationId) -> tuple[AddedShare, ...]:
        """Give every share of the organisation, in order. One that is damaged is left out, and logged."""
        with self._database.reading() as connection:
            rows = connection.execute(select(shares)).all()
        return self._opened(organisation, rows)

    def of(self, organisation: OrganisationId, viewer: Iterable[Address]) -> tuple[AddedShare, ...]:
        """Give the shares of a viewer with these addresses, as `all` does."""
        keys = [self._viewer(organisation, address) for address in viewer]
        with self._database.reading() as connection:
            rows = connection.execute(select(shares).where(shares.c.viewer.in_(keys))).all()
        return self._opened(organisation, rows)

    def _opened(
        self, organisation: OrganisationId, rows: Iterable[tuple[bytes, bytes, bytes]]
    ) -> tuple[AddedShare, ...]:
        found = []
        for viewer, key, sealed in rows:
            try:
                its, *parts = json.loads(self._keys.open(sealed, SEALED.bound(viewer, key)))
            except SealBroken:
                LOG.warning("a share in the state is damaged and is not shown")
                continue
            if its == organisation:
                found.append(AddedShare(Address(parts[0]), Address(parts[1]), parts[2]))
        return tuple(sorted(found))

    def _place(self, organisation: OrganisationId, share: AddedShare) -> tuple[bytes, bytes]:
        viewer = self._viewer(organisation, share.viewer)
        return viewer, self._keys.mac(viewer + json.dumps([share.owner, share.folder]).encode("ascii"), "state share")

    def _viewer(self, organisation: OrganisationId, address: Address) -> bytes:
        return self._keys.mac(json.dumps([organisation, address]).encode("ascii"), "state viewer")
