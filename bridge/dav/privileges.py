"""Privileges (RFC 3744): which there are, which the viewer has, and the entries of access control lists."""

from collections.abc import Iterable

from bridge.model import Rights

_CALDAV_PRIVILEGES = frozenset({"read-free-busy"})  # RFC 4791 6.1.1


def _supported(name: str, description: str, *inside: str, is_abstract: bool = False) -> str:
    return (
        f"<D:supported-privilege>{_privilege(name)}{'<D:abstract/>' if is_abstract else ''}"
        f'<D:description xml:lang="en">{description}</D:description>{"".join(inside)}</D:supported-privilege>'
    )


def _privilege(name: str) -> str:
    return f"<D:privilege><{'C' if name in _CALDAV_PRIVILEGES else 'D'}:{name}/></D:privilege>"


SUPPORTED_PRIVILEGES = _supported(
    "all",
    "Everything",
    _supported(
        "read",
        "Read",
        _supported("read-acl", "Read the access control list"),
        _supported("read-current-user-privilege-set", "Read one's own privileges"),
        _supported("read-free-busy", "See when the owner is busy"),
    ),
    _supported(
        "write",
        "Add, change and delete events",
        _supported("write-properties", "Change name, colour, order and description"),
        _supported("write-content", "Change events"),
        _supported("bind", "Add events"),
        _supported("unbind", "Delete events"),
    ),
    is_abstract=True,
)
"""RFC 3744 5.3. There is no write-acl: rights are given in Outlook."""

READING = ("read", "read-acl", "read-current-user-privilege-set")
"""What everyone has at the root, at people and at groups."""
KEEPING = (*READING, "bind", "unbind")
"""What the viewer has at his own home: he makes and deletes calendars there."""


def privileges_of(rights: Rights) -> tuple[str, ...]:
    """Give the names of the viewer's privileges on a calendar and its events.

    A client that may only create or only modify gets no write privilege: its edits need both. Where he may not write,
    he has no write-properties either, though colours are his own to set: Thunderbird takes it for the right to edit
    events.
    """
    granted: list[str] = []
    if rights.read:
        granted += [*READING, "read-free-busy"]
    if rights.write:
        granted += ["write", "write-properties", "write-content", "bind"]
    if rights.delete:
        granted.append("unbind")
    return tuple(granted)


def to_privilege_set(names: Iterable[str]) -> str:
    """Give privileges as DAV:current-user-privilege-set holds them (RFC 3744 5.4)."""
    return "".join(map(_privilege, names))


def to_acl(principal: str, names: Iterable[str]) -> str:
    """Give an access control list (RFC 3744 5.5) of one entry: what the viewer, whose href it takes, may do here.

    Whom else Exchange lets in is not told; so the entry is protected, as all of a list that cannot be changed is.
    """
    granted = to_privilege_set(names)
    return (
        f"<D:ace><D:principal><D:href>{principal}</D:href></D:principal><D:grant>{granted}</D:grant>"
        "<D:protected/></D:ace>"
        if granted
        else ""
    )


ACL_RESTRICTIONS = "<D:grant-only/><D:no-invert/>"
"""RFC 3744 5.6: what an entry of a list here can be."""
