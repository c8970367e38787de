r"""The forms in which one person types a user name: an address, an alias, ``DOMAIN\user``, a bare name, in any case."""

import unicodedata
from dataclasses import dataclass

LONGEST = 320
"""Characters; the longest SMTP address (RFC 5321 4.5.3.1: 64 and 255 octets and the ``@``)."""


@dataclass(frozen=True, slots=True)
class Username:
    r"""A user name in the forms we compare.

    ``login`` is the whole name, as proofs are kept by it. ``short`` is the part that names the account in the
    directory, without domain: wrong passwords are counted by it, so that ``CORP\anna``, ``anna`` and
    ``Anna@corp.example`` are one account.
    """

    login: str
    short: str


def parse_username(typed: str) -> Username | None:
    """Read a user name as typed; None for what cannot be one: empty, far too long, or with control characters."""
    login = unicodedata.normalize("NFC", typed).strip().casefold()
    if not login or len(login) > LONGEST or any(unicodedata.category(char) == "Cc" for char in login):
        return None
    short = login.rpartition("\\")[2].partition("@")[0].strip()
    return Username(login, short or login)
