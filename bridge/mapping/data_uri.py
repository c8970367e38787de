"""``data:`` URIs (RFC 2397), in which clients put HTML and files."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, slots=True)
class DataUri:
    """What one holds: a media type in lower case, empty where none is told, and the charset beside it."""

    media_type: str
    charset: str
    data: bytes


def parse_data_uri(text: str) -> DataUri | None:
    """Read a ``data:`` URI, None for another one. Raises ValueError for one that breaks off or is not BASE64."""
    if text[:5].lower() != "data:":
        return None
    head, comma, rest = text[5:].partition(",")
    if not comma:
        raise ValueError("a data: URI without a comma")
    media_type, *settings = (one.strip().lower() for one in head.split(";"))
    raw = unquote_to_bytes(rest)
    charset = next((one.removeprefix("charset=") for one in settings if one.startswith("charset=")), "utf-8")
    return DataUri(media_type, charset, decode_base64(raw.decode("ascii", "replace")) if "base64" in settings else raw)


def decode_base64(text: str) -> bytes:
    """Read BASE64, blanks and line breaks left out. Raises ValueError."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise ValueError("not BASE64") from None
