"""Nouns as bytes and back: JSON after one byte of version, with the attributes that differ from their defaults.

A codec is made from a noun's own type hints, once, so that an attribute added to a noun is stored without a word here.
What is not in the bytes gets the attribute's default; what is in them and not in the noun is passed over.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

from bridge.errors import BridgeError

T = TypeVar("T")
_Convert = Callable[[Any], Any]

_VERSION = b"\x01"
_PLAIN = frozenset({str, int, bool, date, datetime})


class Undecodable(BridgeError):
    """Stored bytes that are not of this version, or not of this noun."""


class Codec(Generic[T]):
    """Encodes one kind of value: nouns, their tuples, plain values. The same value always gives the same bytes."""

    def __init__(self, kind: Any) -> None:
        """Take the type, such as ``Item`` or ``tuple[Item, ...]``."""
        self._to_json = _encoder(kind)
        self._from_json = _decoder(kind)

    def encode(self, value: T) -> bytes:
        """Give the bytes. Instants are kept to the second."""
        return _VERSION + json.dumps(self._to_json(value), separators=(",", ":")).encode("ascii")

    def decode(self, data: bytes) -> T:
        """Give the value. Raises Undecodable."""
        if data[:1] != _VERSION:
            raise Undecodable("A stored value is of another version.")
        try:
            value: T = self._from_json(json.loads(data[1:]))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise Undecodable("A stored value is not what stands in this place.") from None
        return value


# --- to JSON -----------------------------------------------------------------------------------------


def _encoder(kind: Any) -> _Convert:
    kind, is_optional, element = _resolve(kind)
    if element is not None:
        return _encode_all(_encoder(element), kind)
    if isinstance(kind, types.UnionType):
        convert = _encode_one_of(kind)
    elif dataclasses.is_dataclass(kind):
        convert = _encode_noun(kind)
    elif kind is datetime:
        convert = _to_seconds
    elif kind is date:
        convert = date.isoformat
    elif issubclass(kind, Enum):
        convert = _value_of
    else:
        return _same
    return _optional(convert) if is_optional else convert


def _encode_noun(noun: Any) -> _Convert:
    hints = typing.get_type_hints(noun)
    rows = [(field.name, _encoder(hints[field.name]), _default(field)) for field in dataclasses.fields(noun)]

    def encode(value: Any) -> dict[str, Any]:
        told = {}
        for name, convert, default in rows:
            attribute = getattr(value, name)
            if attribute is not default and attribute != default:
                told[name] = convert(attribute)
        return told

    return encode


def _encode_one_of(nouns: types.UnionType) -> _Convert:
    """Encode one of several nouns with its name."""
    encoders = {noun: _encode_noun(noun) for noun in typing.get_args(nouns)}
    return lambda value: [type(value).__name__, encoders[type(value)](value)]


def _encode_all(convert: _Convert, kind: Any) -> _Convert:
    if kind is frozenset:
        return lambda values: sorted(convert(value) for value in values)
    return lambda values: [convert(value) for value in values]


def _to_seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _value_of(member: Enum) -> Any:
    return member.value


# --- from JSON ---------------------------------------------------------------------------------------


def _decoder(kind: Any) -> _Convert:
    kind, is_optional, element = _resolve(kind)
    if element is not None:
        return _decode_all(_decoder(element), kind)
    if isinstance(kind, types.UnionType):
        convert = _decode_one_of(kind)
    elif dataclasses.is_dataclass(kind):
        convert = _decode_noun(kind)
    elif kind is datetime:
        convert = _from_seconds
    elif kind is date:
        convert = date.fromisoformat
    elif issubclass(kind, Enum):
        convert = {member.value: member for member in kind}.__getitem__
    else:
        return _same
    return _optional(convert) if is_optional else convert


def _decode_noun(noun: Any) -> _Convert:
    hints = typing.get_type_hints(noun)
    converts = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(noun)}
    plain = {name for name, convert in converts.items() if convert is _same}
    converted = [(name, convert) for name, convert in converts.items() if convert is not _same]

    def decode(told: Any) -> Any:
        attributes = {name: told[name] for name in plain & told.keys()}
        for name, convert in converted:
            if name in told:
                attributes[name] = convert(told[name])
        return noun(**attributes)

    return decode


def _decode_one_of(nouns: types.UnionType) -> _Convert:
    decoders = {noun.__name__: _decode_noun(noun) for noun in typing.get_args(nouns)}
    return lambda told: decoders[told[0]](told[1])


def _decode_all(convert: _Convert, kind: Any) -> _Convert:
    return lambda values: kind([convert(value) for value in values])


def _from_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- types -------------------------------------------------------------------------------------------


def _resolve(kind: Any) -> tuple[Any, bool, Any]:
    """Give the class behind a type hint, whether None is allowed, and for a collection the type of its elements."""
    if isinstance(kind, typing.NewType):
        return _resolve(kind.__supertype__)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType} and len(arguments) == 2 and type(None) in arguments:
        inner, _, element = _resolve(next(argument for argument in arguments if argument is not type(None)))
        if element is None:
            return inner, True, None
    elif origin is types.UnionType and all(map(dataclasses.is_dataclass, arguments)):
        return kind, False, None
    elif (origin is tuple and arguments[1:] == (Ellipsis,)) or origin is frozenset:
        return origin, False, arguments[0]
    elif kind in _PLAIN or dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind, False, None
    raise TypeError(f"no codec for {kind}")


def _optional(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)


def _same(value: Any) -> Any:
    return value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default  # MISSING, which equals nothing, when there is none
