"""Remembered logins, and logins that Exchange refused. Shared by all processes."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from bridge.database import from_microseconds, to_microseconds
from bridge.keys import Keys
from bridge.model import Address, Mailbox
from bridge.sealed import SealedColumn
from bridge.state.database import StateDatabase
from bridge.state.schema import proofs, refusals

SEALED = SealedColumn(proofs.c.proof, (b"proof", proofs.c.login), json.loads)

REFUSAL_WINDOW = timedelta(minutes=15)
"""How long a refusal counts: as long as directories commonly count wrong passwords before they lock an account."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a password opened this mailbox at Exchange: its salted digest, and when it did (UTC)."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    mailbox: Mailbox
    proved_at: datetime


class Proofs:
    """Proofs and refusals by login, which is what was typed in as user name, in the one form its owner compares."""

    def __init__(self, database: StateDatabase, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def get(self, login: str) -> Proof | None:
        """Give the proof of a login. Its age is for the asker to judge. Raises SealBroken when it is damaged."""
        key = self._key(login)
        with self._database.reading() as connection:
            row = connection.execute(select(proofs).where(proofs.c.login == key)).one_or_none()
        if row is None:
            return None
        return _decode(self._keys.open(row.proof, SEALED.bound(key)), from_microseconds(row.proved_at))

    def put(self, login: str, proof: Proof) -> None:
        """Remember a proof in place of any former one."""
        key = self._key(login)
        sealed = self._keys.seal(_encode(proof), SEALED.bound(key))
        with self._database.writing() as connection:
            connection.execute(delete(proofs).where(proofs.c.login == key))
            connection.execute(
                insert(proofs).values(login=key, proved_at=to_microseconds(proof.proved_at), proof=sealed)
            )

    def drop(self, login: str) -> None:
        """Forget the proof of a login."""
        with self._database.writing() as connection:
            connection.execute(delete(proofs).where(proofs.c.login == self._key(login)))

    def expire(self, before: datetime) -> None:
        """Forget all proofs that are older."""
        with self._database.writing() as connection:
            connection.execute(delete(proofs).where(proofs.c.proved_at < to_microseconds(before)))

    def note_refusal(self, login: str, now: datetime) -> int:
        """Note that Exchange refused the login now; give how often within `REFUSAL_WINDOW`, this time included."""
        key, begin = self._key(login), to_microseconds(now - REFUSAL_WINDOW)
        with self._database.writing() as connection:
            connection.execute(delete(refusals).where(refusals.c.refused_at <= begin))
            connection.execute(insert(refusals).values(login=key, refused_at=to_microseconds(now)))
            count: int = connection.execute(
                select(func.count()).select_from(refusals).where(refusals.c.login == key)
            ).scalar_one()
        return count

    def refusals(self, login: str, now: datetime) -> tuple[datetime, ...]:
        """Give when the login was refused within `REFUSAL_WINDOW`, the earliest first."""
        begin = to_microseconds(now - REFUSAL_WINDOW)
        query = (
            select(refusals.c.refused_at)
            .where(refusals.c.login == self._key(login), refusals.c.refused_at > begin)
            .order_by(refusals.c.refused_at)
        )
        with self._database.reading() as connection:
            return tuple(from_microseconds(row.refused_at) for row in connection.execute(query))

    def clear_refusals(self, login: str) -> None:
        """Forget the refusals of a login, because it has succeeded."""
        with self._database.writing() as connection:
            connection.execute(delete(refusals).where(refusals.c.login == self._key(login)))

    def _key(self, login: str) -> bytes:
        return self._keys.mac(login.encode("utf-8", "surrogatepass"), "state login")


def _encode(proof: Proof) -> bytes:
    mailbox = proof.mailbox
    return json.dumps(
        {
            "salt": proof.salt.hex(),
            "digest": proof.digest.hex(),
            "address": mailbox.address,
            "display_name": mailbox.display_name,
            "aliases": sorted(mailbox.aliases),
        }
    ).encode("ascii")


def _decode(data: bytes, proved_at: datetime) -> Proof:
    told = json.loads(data)
    mailbox = Mailbox(
        Address(told["address"]), told["display_name"], frozenset(Address(alias) for alias in told["aliases"])
    )
    return Proof(bytes.fromhex(told["salt"]), bytes.fromhex(told["digest"]), mailbox, proved_at)
