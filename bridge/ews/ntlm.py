"""NTLM at Exchange: a handshake on a connection, which from then on belongs to who has proved himself.

Sources: MS-NTHT 3.1 for the handshake over HTTP, MS-NLMP (done by pyspnego) for what is in it, RFC 5929 section 4 for
the certificate that is named in it over TLS, which Extended Protection asks for (the default since Exchange 2019 CU14).

The first leg goes with an empty body, as Internet Explorer and curl send it, so the request itself is sent once, with
the proof. A connection stays proved until it ends, but an IIS that is told so (authPersistSingleRequest) forgets it
after each request and then answers 401. What may be asked twice rides on the proof of before and is asked again with a
new one where that is forgotten. A write never relies on it: it goes with a new handshake, one round trip more.
"""

import base64
import hmac
import logging
import re
import secrets
import struct
from collections.abc import Mapping

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from bridge.errors import AnswerUnusable, ExchangeUnreachable
from bridge.ews.line import HttpAnswer, Line
from bridge.ews.lines import Owner
from bridge.ews.offers import require_offer
from bridge.exchange import Deadline
from bridge.model import Credential

_UNAUTHORIZED = 401
_CHALLENGE = re.compile(r"(?:^|,)\s*NTLM\s+([A-Za-z0-9+/]+=*)\s*(?:,|$)", re.IGNORECASE)

# It logs the tokens, which hold what a password can be guessed from
logging.getLogger("spnego").setLevel(logging.WARNING)


class Ntlm:
    """Sends requests over connections that are proved. Safe to use from many threads."""

    def __init__(self, host: str) -> None:
        """Take Exchange's host name, as it is in the URL."""
        self._host = host
        self._key = secrets.token_bytes(32)

    def owner(self, credential: Credential) -> Owner:
        """Give whose connection may serve this credential: nobody's who typed anything else, the password included."""
        name = credential.username.encode()
        content = len(name).to_bytes(4) + name + credential.password.encode()
        return Owner(hmac.digest(self._key, content, "sha256"))

    def post(
        self,
        line: Line,
        credential: Credential,
        headers: Mapping[str, str],
        body: bytes,
        deadline: Deadline,
        *,
        anew: bool,
    ) -> HttpAnswer:
        """Send the request and give the answer; 401 when the credential is not accepted.

        ``anew`` proves the credential again where the connection was proved before, and sends the body exactly once;
        else it is sent again where Exchange answers 401 on such a connection, so it must not be a write. Raises
        Unavailable, also where Exchange offers no NTLM.
        """
        if line.is_proved and not anew:
            http = line.post(headers, body, deadline)
            if http.status != _UNAUTHORIZED:
                return http
        proved = self.prove(line, credential, headers, deadline)
        if isinstance(proved, HttpAnswer):
            return proved
        http = line.post(proved, body, deadline)
        line.is_proved = http.status != _UNAUTHORIZED
        return http

    def prove(
        self, line: Line, credential: Credential, headers: Mapping[str, str], deadline: Deadline
    ) -> HttpAnswer | dict[str, str]:
        """Begin a handshake on the line; give the headers that end it, to be sent with the request on that very line.

        An answer instead where it did not come to that: Exchange is busy, or elsewhere, or asks for no login, which
        makes no answer to the operation. Raises Unavailable.
        """
        line.is_proved = False
        client = self._client(line, credential)
        http = line.post({**headers, **_authorization(client.step())}, b"", deadline)
        if http.status != _UNAUTHORIZED:
            return http
        proof = _proof(client, http)
        if not line.is_reusable:
            raise ExchangeUnreachable("The connection to Exchange was closed in the middle of the NTLM handshake.")
        return {**headers, **_authorization(proof)}

    def _client(self, line: Line, credential: Credential) -> spnego.ContextProxy:
        return spnego.client(
            credential.username,
            credential.password,
            hostname=self._host,
            service="HTTP",
            channel_bindings=_bindings(line.certificate),
            protocol="ntlm",
            options=spnego.NegotiateOptions.use_ntlm,
        )


def channel_binding(certificate: bytes) -> bytes | None:
    """Give the `tls-server-end-point` of a certificate in DER (RFC 5929 4.1).

    None where it is undefined: for a signature without a hash function of its own, such as Ed25519.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    digest = hashes.Hash(hashes.SHA256() if isinstance(algorithm, hashes.MD5 | hashes.SHA1) else algorithm)
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


def _bindings(certificate: bytes | None) -> GssChannelBindings | None:
    binding = channel_binding(certificate) if certificate else None
    return GssChannelBindings(application_data=binding) if binding else None


def _proof(client: spnego.ContextProxy, http: HttpAnswer) -> bytes | None:
    """Answer the challenge in the 401 of the first leg."""
    require_offer(http, "NTLM")
    found = _CHALLENGE.search(http.headers.get("www-authenticate", ""))
    try:
        return client.step(base64.b64decode(found[1] if found else ""))
    except (SpnegoError, LookupError, ValueError, struct.error) as error:  # as pyspnego meets the unexpected
        raise AnswerUnusable(f"Exchange's NTLM challenge cannot be read ({type(error).__name__}).") from error


def _authorization(token: bytes | None) -> dict[str, str]:
    return {"Authorization": f"NTLM {base64.b64encode(token or b'').decode()}"}
