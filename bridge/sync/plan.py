"""What a write has to do, decided before anything is sent. Pure."""

from dataclasses import dataclass, replace

from bridge.errors import PreconditionFailed, UidTaken
from bridge.ids import make_name_stamp
from bridge.mapping.context import Context
from bridge.mapping.event import Wanted, changed
from bridge.model import ANY_ETAG, Attribute, Conditions, Content, ETag, Item, Listed, Name, Snapshot


@dataclass(frozen=True, slots=True)
class Create:
    """Create the item at Exchange."""

    content: Content


@dataclass(frozen=True, slots=True)
class Update:
    """Write these attributes of the item's new content; none of them when the client changed nothing."""

    stored: Item
    content: Content
    attributes: frozenset[Attribute]


def check(conditions: Conditions, etag: ETag | None) -> None:
    """Hold a write's conditions against the resource's ETag, None where there is no resource (RFC 9110 13.1).

    Raises PreconditionFailed.
    """
    wanted, unwanted = conditions.if_match, conditions.if_none_match
    if wanted is not None and (etag is None or not ({etag, ANY_ETAG} & wanted)):
        raise PreconditionFailed("The event was changed or deleted meanwhile: its ETag is not the one in If-Match.")
    if unwanted is not None and etag is not None and ({etag, ANY_ETAG} & unwanted):
        raise PreconditionFailed("There is already an event of this name: If-None-Match forbids to replace it.")


def find_target(snapshot: Snapshot, name: Name, wanted: Wanted) -> Listed | None:
    """Give the resource that a PUT of this name means: the one of that name, or an invitation filed before it.

    Exchange files an invitation before the client accepts it; the client then PUTs the same UID under a name of
    its own. That PUT means the item which is there. Raises UidTaken where a UID would stand twice, or a
    resource would change its UID (RFC 4791 5.3.2.1).
    """
    target = snapshot.resources.get(name)
    if target is not None:
        if target.uid != wanted.uid:
            raise UidTaken("The event of this name has another UID, which cannot be changed.", name)
        return target
    other = next((one for one in snapshot.resources.values() if one.uid == wanted.uid), None)
    if other is not None and wanted.is_organizer:
        raise UidTaken("Another event of this calendar has this UID.", other.name)
    return other


def make_plan(name: Name, wanted: Wanted, stored: Item | None, context: Context) -> Create | Update:
    """Decide what makes the item what the client wants, under the name it gives."""
    own_uid = stored.content.uid if stored is not None else wanted.uid
    stamp = make_name_stamp(name, context.mailbox.address, own_uid)
    content = replace(wanted.content, uid=own_uid, name_stamp=stamp)
    if stored is None:
        return Create(content)
    attributes = changed(stored.content, content)
    if not (attributes - {Attribute("name_stamp")}) and _is_named(stored, name, context):
        attributes = frozenset()
    return Update(stored, content, attributes)


def _is_named(stored: Item, name: Name, context: Context) -> bool:
    """Say whether the item needs no stamp: it has this one, or a new mirror would give it this name anyway."""
    return stored.content.name_stamp in {
        None,
        make_name_stamp(name, context.mailbox.address, stored.content.uid),
    }
