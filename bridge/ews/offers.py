"""Which logins a 401 offers, so that a wrong setting is not taken for a wrong password."""

import re

from bridge.errors import ExchangeFailed
from bridge.ews.line import HttpAnswer

_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Bearer|Digest|Kerberos|Negotiate|NTLM)(?=[\s,]|$)", re.IGNORECASE)


def require_offer(http: HttpAnswer, scheme: str) -> None:
    """Raise ExchangeFailed for a 401 that offers logins (RFC 9110 11.6.1), but none by this scheme.

    A 401 that offers nothing says nothing; IIS always offers, proxies and other servers may not.
    """
    offered = {found.casefold(): found for found in _SCHEME.findall(http.headers.get("www-authenticate", ""))}
    if http.status == 401 and offered and scheme.casefold() not in offered:
        raise ExchangeFailed(
            f"Exchange takes no {scheme} logins at the configured url, but {', '.join(sorted(offered.values()))}; "
            "[exchange] authentication must be one that it takes.",
            "HTTP 401",
        )
