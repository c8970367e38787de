"""A file of an event as an HTTP answer: to be saved, never to be shown or run as a part of this site."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from bridge.dav.conditions import matches
from bridge.dav.response import Response
from bridge.errors import PreconditionFailed
from bridge.ids import make_etag
from bridge.item import AttachedFile
from bridge.resource import Conditions

_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:;[ \t]*[\w-]+=[\w.+-]+)*", re.ASCII)
_SHIELDS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def serve_file(file: AttachedFile, conditions: Conditions) -> Response:
    """Give the file's bytes, or 304 where the client has them (RFC 9110 13.1.2). Raises PreconditionFailed."""
    etag = make_etag(file.data)
    if conditions.if_match is not None and not matches(conditions.if_match, etag):
        raise PreconditionFailed("The file is not the version that was asked for.")
    if conditions.if_none_match is not None and matches(conditions.if_none_match, etag):
        return Response(304, {"ETag": etag})
    known = _TYPE.fullmatch(file.content_type.strip())
    headers = {
        "Content-Type": known[0] if known else "application/octet-stream",
        # RFC 6266 4.3, RFC 8187
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name or 'file', safe='')}",
        "ETag": etag,
        **_SHIELDS,
    }
    return Response(200, headers, file.data)
