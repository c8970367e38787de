"""ResolveNames: what the directory knows of a name or address, with all its addresses."""

from collections.abc import Iterator

from bridge.ews.response import expect
from bridge.ews.xml import Element, find_message, find_type, message_element, type_text
from bridge.ids import make_address
from bridge.model import Address, Mailbox, MailboxKind

_NOBODY_CODES = frozenset(
    {"ErrorNameResolutionNoResults", "ErrorNameResolutionNoMailbox", "ErrorInvalidNameForNameResolution"}
)

_GROUPS = frozenset({"PublicDL", "PrivateDL", "GroupMailbox"})
"""Those of MailboxType that stand for several people."""


def request(entry: str) -> Element:
    """Ask the directory, and only it, about a name, an alias or an address."""
    unresolved = message_element("UnresolvedEntry")
    unresolved.text = entry
    return message_element("ResolveNames", unresolved, ReturnFullContactData="true", SearchScope="ActiveDirectory")


def read(response: Element) -> tuple[Mailbox, ...]:
    """Read everybody who was found, nobody among them. Raises what any other error code stands for."""
    (message,) = expect(response, 1)
    if message.is_error and message.code in _NOBODY_CODES:
        return ()
    resolved = find_message(message.content(), "ResolutionSet")
    if resolved is None:
        return ()
    return tuple(mailbox for mailbox in map(_mailbox, resolved) if mailbox is not None)


def _mailbox(resolution: Element) -> Mailbox | None:
    mailbox = find_type(resolution, "Mailbox")
    address = make_address(type_text(mailbox, "EmailAddress")) if mailbox is not None else make_address("")
    if mailbox is None or "@" not in address:
        return None
    aliases = frozenset(_addresses(find_type(resolution, "Contact"))) - {address}
    kind = MailboxKind.GROUP if type_text(mailbox, "MailboxType") in _GROUPS else MailboxKind.PERSON
    return Mailbox(address, type_text(mailbox, "Name"), aliases, kind)


def _addresses(contact: Element | None) -> Iterator[Address]:
    """Give the proxy addresses: ``SMTP:`` marks the primary one, ``smtp:`` the others; ``SIP:``, ``X500:`` are none."""
    listed = find_type(contact, "EmailAddresses") if contact is not None else None
    for entry in [] if listed is None else listed:
        kind, colon, rest = (entry.text or "").strip().partition(":")
        address = make_address(rest if colon else kind)
        if "@" in address and (not colon or kind.lower() == "smtp"):
            yield address
