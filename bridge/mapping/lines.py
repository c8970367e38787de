"""Content lines (RFC 5545 3.1): unfolding, reading, escaping, writing.

A line keeps the text its author wrote (``raw``, unfolded); what no field owns is given back from there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.errors import InvalidCalendarData

_PARAMETER_VALUE = r'(?:"[^"]*"|[^";:,]*)'
_PARAMETER = rf"[\w-]+={_PARAMETER_VALUE}(?:,{_PARAMETER_VALUE})*"
_LINE = re.compile(rf"(?P<name>[\w-]+)(?P<parameters>(?:;(?:{_PARAMETER})?)*):(?P<value>.*)", re.ASCII)
_ONE_PARAMETER = re.compile(rf"({_PARAMETER})")
_ONE_VALUE = re.compile(rf"(?:^|,)({_PARAMETER_VALUE})")
_BREAK = re.compile(rb"\r\n|\n|\r")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""Neither RFC 5545 3.1 nor XML 1.0, in which calendars travel, has a place for these; a space stands for them."""

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})
_ESCAPED = re.compile(r'\\([\\;,nN:"])')
_LIST_PART = re.compile(r"\\.|[^\\,]+|,|\\", re.DOTALL)
_CIRCUMFLEX = {"^n": "\n", "^^": "^", "^'": '"'}

Parameters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One property: name and parameter names in upper case, the value as it stands. ``number`` counts from 1."""

    name: str
    value: str
    parameters: Parameters = ()
    raw: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)

    def parameter(self, name: str) -> str | None:
        """Give the first value of a parameter, None when it is absent."""
        return next((values[0] for key, values in self.parameters if key == name), None)

    @property
    def text(self) -> str:
        """The value as TEXT (RFC 5545 3.3.11), its line ends LF."""
        return unescape(self.value)


def unfold(body: bytes) -> Iterator[tuple[int, str]]:
    """Give the content lines of a body with the number each begins at.

    Liberal with what is seen in the wild: a byte order mark, bare LF or CR, blank lines. Joins bytes before it decodes:
    authors fold inside a character. Raises InvalidCalendarData for what is not UTF-8.
    """
    begun = 0
    parts: list[bytes] = []
    for number, piece in enumerate(_BREAK.split(body.removeprefix(b"\xef\xbb\xbf")), start=1):
        if piece[:1] in (b" ", b"\t") and parts:
            parts.append(piece[1:])
        elif piece.strip():
            if parts:
                yield begun, _decode(b"".join(parts), begun)
            parts, begun = [piece], number
    if parts:
        yield begun, _decode(b"".join(parts), begun)


def _decode(data: bytes, number: int) -> str:
    try:
        return _UNWRITABLE.sub(" ", data.decode())
    except UnicodeDecodeError:
        raise InvalidCalendarData(f"Line {number} is not UTF-8.") from None


def parse_line(raw: str, number: int = 0) -> Line:
    """Read one unfolded line. Raises InvalidCalendarData when it is not ``NAME;PARAMETER=…:value``.

    Empty parameters (``DTSTART;;VALUE=DATE:``) are left out, also of the raw text.
    """
    found = _LINE.fullmatch(raw)
    if not found:
        raise InvalidCalendarData(f"Line {number} is not a property: a name, a colon and a value.")
    name, parameters, value = found["name"], found["parameters"], found["value"]
    if not parameters:
        return Line(name.upper(), value, (), raw, number)
    if ";;" in parameters or parameters.endswith(";"):
        parameters = "".join(f";{one}" for one in _ONE_PARAMETER.findall(parameters))
        raw = f"{name}{parameters}:{value}"
    return Line(name.upper(), value, _parse_parameters(parameters), raw, number)


def is_line(raw: str) -> bool:
    """Whether `parse_line` can read it."""
    return _LINE.fullmatch(raw) is not None


def _parse_parameters(text: str) -> Parameters:
    pairs = (one.partition("=") for one in _ONE_PARAMETER.findall(text))
    return tuple(
        (key.upper(), tuple(_parse_parameter_value(one) for one in _ONE_VALUE.findall(rest))) for key, _, rest in pairs
    )


def _parse_parameter_value(text: str) -> str:
    return re.sub(r"\^[n^']", lambda escape: _CIRCUMFLEX[escape[0]], text.strip('"'))


def make_line(name: str, value: str, **parameters: str) -> str:
    """Give an unfolded line; the value is written as it is, parameters are quoted and escaped (RFC 6868)."""
    written = "".join(f";{key}={_write_parameter(one)}" for key, one in parameters.items())
    return f"{name}{written}:{value}"


def with_parameters(line: Line, new: Mapping[str, str]) -> str:
    """Give a line's text with other values for some of its parameters; as its author wrote it where they are these."""
    if all(line.parameter(name) == value for name, value in new.items()):
        return line.raw
    return _write_line(line, dict(line.parameters) | {name: (value,) for name, value in new.items()})


def without_parameter(line: Line, name: str) -> str:
    """Give a line's text without one of its parameters; as its author wrote it where it has none of that name."""
    if line.parameter(name) is None:
        return line.raw
    return _write_line(line, {key: values for key, values in line.parameters if key != name})


def _write_line(line: Line, parameters: Mapping[str, Sequence[str]]) -> str:
    written = "".join(f";{key}={','.join(map(_write_parameter, values))}" for key, values in parameters.items())
    return f"{line.name}{written}:{line.value}"


def _write_parameter(value: str) -> str:
    value = value.replace("^", "^^").replace("\r", "").replace("\n", "^n").replace('"', "^'")
    value = _UNWRITABLE.sub(" ", value)
    return f'"{value}"' if re.search("[;:,]", value) else value


def escape(text: str) -> str:
    """Write a text as TEXT (RFC 5545 3.3.11)."""
    return _UNWRITABLE.sub(" ", text).translate(_ESCAPES)


def unescape(value: str) -> str:
    """Read TEXT. Backslashes that escape nothing stay: some authors escape none, others colons and quotes too."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value)


def split_list(value: str) -> list[str]:
    """Split a comma-separated list of TEXT and read each."""
    parts = [""]
    for piece in _LIST_PART.findall(value):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += piece
    return [unescape(part) for part in parts]


def fold(lines: Iterable[str]) -> bytes:
    """Write lines with CRLF, folded at 75 octets and never inside a character (RFC 5545 3.1)."""
    written: list[bytes] = []
    for line in lines:
        data = line.encode()
        if len(data) > 75:
            data = b"\r\n ".join(_cut(data))
        written.append(data)
    return b"\r\n".join(written) + b"\r\n"


def _cut(data: bytes) -> Iterator[bytes]:
    start, room = 0, 75
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start, room = end, 74
    yield data[start:]


def blocks(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Give each property as a block of one line, each sub-component as a block from BEGIN to END."""
    depth, block = 0, []
    for line in lines:
        block.append(line)
        depth += line.startswith("BEGIN:") - line.startswith("END:")
        if depth <= 0:
            yield tuple(block)
            block = []


def same(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two lists of unfolded lines say the same: order, case of names and quotes do not matter."""
    return list(first) == list(second) or _canonical(first) == _canonical(second)


def _canonical(lines: Sequence[str]) -> list[object]:
    return sorted(([_canonical_line(line) for line in block] for block in blocks(lines)), key=repr)


def _canonical_line(raw: str) -> tuple[object, ...]:
    line = parse_line(raw)
    return line.name, sorted(line.parameters), line.value
