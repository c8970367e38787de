"""A plain client of GetStreamingEvents: envelope after envelope from an answer that is held open."""

from collections.abc import Sequence
from typing import Any, Self

import requests
from lxml import etree

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
_END = b"</Envelope>"


def text_of_request(ids: Sequence[str], minutes: int = 1) -> str:
    """Give the body of a request for subscriptions."""
    told = "".join(f"<t:SubscriptionId>{one}</t:SubscriptionId>" for one in ids)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{told}</m:SubscriptionIds>"
        f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
    )


class Listener:
    """Holds a connection of its own; `read` gives what is told next."""

    def __init__(self, ask: Any, ids: Sequence[str], who: str = "anna", **settings: Any) -> None:
        content = ask.envelope(text_of_request(ids, settings.get("minutes", 1)))
        self.session = requests.Session()
        self.session.trust_env, self.session.verify = False, settings.get("verify", True)
        self.answer = self.session.post(
            ask.sim.url, data=content, auth=(f"{who}@example.com", f"{who}-password"), timeout=10, stream=True
        )
        self._chunks = self.answer.iter_content(None)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.answer.close()
        self.session.close()

    def read(self) -> Any:
        """Give the next message, None at the end."""
        while _END not in self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                assert self._rest == b""
                return None
            self._rest += chunk
        envelope, _, self._rest = self._rest.partition(_END)
        return next(etree.fromstring(envelope + _END).iter(f"{M}GetStreamingEventsResponseMessage"))


def events_of(message: Any) -> list[tuple[str, str]]:
    """Give what a message tells: kinds of events and ids of items or folders."""
    found = [element for element in message.iter() if etree.QName(element).localname.endswith("Event")]
    return [
        (
            etree.QName(event).localname.removesuffix("Event"),
            next((one.get("Id") for one in event if one.tag in {T + "ItemId", T + "FolderId"}), ""),
        )
        for event in found
    ]
