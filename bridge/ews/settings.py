"""How one organisation's Exchange is reached."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EwsSettings:
    """Where EWS is and how it is asked.

    ``url`` is the whole endpoint, such as ``https://mail.example.com/EWS/Exchange.asmx``. ``authentication`` is
    ``basic`` or ``ntlm``. ``version`` is the oldest server to be understood (``auto`` learns it from the answers, else
    ``2007``, ``2010``, ``2013``, ``2016``, ``2019`` or ``online``). ``ca_file`` is a PEM file trusted in place of the
    system's authorities.
    """

    url: str
    authentication: str = "basic"
    version: str = "auto"
    ca_file: Path | None = None
