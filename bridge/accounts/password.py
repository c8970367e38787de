"""What is kept of a password that Exchange accepted: a salted scrypt digest, from which it is not found again.

The cost is N=2^14, r=8, p=1: 16 MiB and some 50 ms, the setting for interactive logins of Percival's "Stronger key
derivation via sequential memory-hard functions" (2009); r and p as RFC 7914 section 2 advises. Proofs are sealed in
the state besides and live for hours, not years.
"""

import hmac
import secrets
import threading
from datetime import datetime

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bridge.model import Mailbox
from bridge.state.proofs import Proof

_COST = 2**14
_BLOCK = 8
_PARALLEL = 1
_LENGTH = 32
_SALT = 16

_PLACES = threading.BoundedSemaphore(2)
"""Digests at once: each takes 16 MiB, and many logins at the same moment must not take all of the memory."""


def make_proof(password: str, mailbox: Mailbox, now: datetime) -> Proof:
    """Give the proof that this password opened the mailbox now (UTC)."""
    salt = secrets.token_bytes(_SALT)
    return Proof(salt=salt, digest=_digest(password, salt), mailbox=mailbox, proved_at=now)


def fits(password: str, proof: Proof) -> bool:
    """Say whether it is the proof's password."""
    return hmac.compare_digest(_digest(password, proof.salt), proof.digest)


def _digest(password: str, salt: bytes) -> bytes:
    with _PLACES:
        scrypt = Scrypt(salt=salt, length=_LENGTH, n=_COST, r=_BLOCK, p=_PARALLEL)
        return scrypt.derive(password.encode("utf-8", "surrogatepass"))
