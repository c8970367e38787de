"""From the settings to where EWS is, and whom to trust there."""

import ssl
from urllib.parse import urlsplit

from bridge.errors import ConfigurationInvalid
from bridge.ews.line import BoundedTlsSocket, Endpoint
from bridge.ews.settings import EwsSettings


def make_endpoint(settings: EwsSettings) -> Endpoint:
    """Give the endpoint. Raises ConfigurationInvalid."""
    parts = urlsplit(settings.url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
        raise ConfigurationInvalid(["[exchange] url must be the http or https address of Exchange.asmx."])
    is_tls = parts.scheme == "https"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Endpoint(
        host=parts.hostname,
        port=port or (443 if is_tls else 80),
        authority=f"{host}:{port}" if port else host,
        path=parts.path or "/",
        tls=_tls(settings) if is_tls else None,
    )


def _tls(settings: EwsSettings) -> ssl.SSLContext:
    """Give a context of this organisation's own that verifies certificate and host name, always."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationInvalid(["[exchange] ca_file cannot be read as certificates in PEM."]) from error
    context.sslsocket_class = BoundedTlsSocket
    return context
