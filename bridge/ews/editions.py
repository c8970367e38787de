"""Which server a request is for, as far as the schema differs: what an older one does not know, it must not be sent.

An unknown FieldURI or element fails the whole request (ErrorSchemaValidation, ErrorInvalidPropertyRequest). Tables say
of each element since and until which edition it is known (the version notes of Microsoft's reference).
"""

import re
from enum import IntEnum

_YEAR = re.compile(r"Exchange(\d{4})")


class Edition(IntEnum):
    """A generation of the schema, by the server it came with; what is newer than the last adds nothing asked here."""

    EXCHANGE_2007 = 2007
    """With service pack 1, the oldest that tells rights and times of change."""
    EXCHANGE_2010 = 2010
    """With service pack 2."""
    EXCHANGE_2013 = 2013


def edition_of(version: str) -> Edition:
    """Give the edition of a request version such as ``Exchange2010_SP2``; names without a year are of newer servers."""
    found = _YEAR.match(version)
    year = int(found[1]) if found else Edition.EXCHANGE_2013
    return max((one for one in Edition if one <= year), default=Edition.EXCHANGE_2007)
