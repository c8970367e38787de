"""Restrictions of FindItem and FindFolder: a search expression as a test of one thing.

Sources: [D] Restriction, search filters; what is not here is refused, never ignored.
"""

import base64
from collections.abc import Callable
from datetime import datetime

from bridge.simulator.call import Call
from bridge.simulator.extended import read_path, value_of
from bridge.simulator.fields import BY_PATH
from bridge.simulator.model import Folder, Item
from bridge.simulator.telling import Told
from bridge.simulator.trouble import EwsError, NotSimulated
from bridge.simulator.xml import Element, T, children, name_of, text_of

Thing = Item | Folder
Test = Callable[[Thing], bool]
Value = str | datetime | None
_COMPARE: dict[str, Callable[[int], bool]] = {
    "IsEqualTo": lambda order: order == 0,
    "IsNotEqualTo": lambda order: order != 0,
    "IsGreaterThan": lambda order: order > 0,
    "IsGreaterThanOrEqualTo": lambda order: order >= 0,
    "IsLessThan": lambda order: order < 0,
    "IsLessThanOrEqualTo": lambda order: order <= 0,
}
_TIMES = {"calendar:Start", "calendar:End", "item:DateTimeReceived", "item:DateTimeCreated", "item:LastModifiedTime"}


def read_restriction(call: Call, element: Element | None) -> Test:
    """Give the test a m:Restriction stands for; without one everything passes."""
    if element is None:
        return lambda _thing: True
    return _read(call, next(children(element)))


def _read(call: Call, element: Element) -> Test:
    name = name_of(element)
    if name in {"And", "Or"}:
        tests = [_read(call, child) for child in children(element)]
        every = name == "And"
        return lambda thing: all(t(thing) for t in tests) if every else any(t(thing) for t in tests)
    if name == "Not":
        inner = _read(call, next(children(element)))
        return lambda thing: not inner(thing)
    uri = next(children(element))
    value = _value(call, uri)
    if name == "Exists":
        return lambda thing: value(thing) is not None
    if name == "Contains":
        return _contains(element, value)
    if name in _COMPARE:
        return _comparison(call, element, uri, value)
    raise NotSimulated(f"the search expression {name}")


def _comparison(call: Call, element: Element, uri: Element, value: Callable[[Thing], Value]) -> Test:
    holder = element.find(T + "FieldURIOrConstant")
    constant = holder.find(T + "Constant") if holder is not None else None
    if constant is None:
        raise NotSimulated("comparing one property with another")
    text = constant.get("Value", "")
    wanted: Value = call.read_time(text) if uri.get("FieldURI") in _TIMES else _canonical(uri, text)
    passes = _COMPARE[name_of(element)]

    def test(thing: Thing) -> bool:
        found = value(thing)
        if isinstance(found, datetime) and isinstance(wanted, datetime):
            return passes((found > wanted) - (found < wanted))
        if found is None or wanted is None:
            return passes(1 if found is not wanted else 0) if name_of(element) == "IsNotEqualTo" else False
        return passes((str(found) > str(wanted)) - (str(found) < str(wanted)))

    return test


def _canonical(uri: Element, text: str) -> str:
    if uri.get("PropertyType") != "Binary":
        return text
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except ValueError as cause:
        raise EwsError("ErrorInvalidRestriction", "Not a binary constant.") from cause


def _contains(element: Element, value: Callable[[Thing], Value]) -> Test:
    constant = element.find(T + "Constant")
    wanted = (constant.get("Value", "") if constant is not None else "").casefold()
    mode = element.get("ContainmentMode", "FullString")
    if mode not in {"FullString", "Prefixed", "Substring"}:
        raise NotSimulated(f"the containment mode {mode}")

    def test(thing: Thing) -> bool:
        found = str(value(thing) or "").casefold()
        if mode == "Substring":
            return wanted in found
        return found.startswith(wanted) if mode == "Prefixed" else found == wanted

    return test


def _value(call: Call, uri: Element) -> Callable[[Thing], Value]:
    if name_of(uri) == "ExtendedFieldURI":
        path = read_path(uri)

        def extended(thing: Thing) -> Value:
            found = value_of(thing, path) if isinstance(thing, Item) else thing.extended.get(path)
            return "\n".join(found) if found else None

        return extended
    path_text = uri.get("FieldURI", "")
    if path_text.startswith("folder:"):
        return _folder_value(path_text)
    if path_text == "calendar:UID" and call.rules.uid_restriction_refused:
        raise EwsError("ErrorUnsupportedPathForQuery", "The property calendar:UID cannot be searched for.")
    row = BY_PATH.get(path_text)
    if row is None or row.tell is None:
        raise NotSimulated(f"searching by {path_text or name_of(uri)}")
    tell, told = row.tell, Told(call, rich=False)

    def value(thing: Thing) -> Value:
        if not isinstance(thing, Item):
            return None
        if path_text in _TIMES:
            return _time(thing, path_text)
        found = tell(told, thing)
        return found if found is None or isinstance(found, str) else "\n".join(text_of(c) for c in children(found))

    return value


def _time(item: Item, path: str) -> datetime:
    named = {"calendar:Start": item.start, "calendar:End": item.end, "item:LastModifiedTime": item.modified}
    return named.get(path, item.created)


def _folder_value(path: str) -> Callable[[Thing], Value]:
    names = {"folder:FolderClass": "folder_class", "folder:DisplayName": "name"}
    if path not in names:
        raise NotSimulated(f"searching folders by {path}")
    return lambda thing: str(getattr(thing, names[path], "")) or None
