"""Microsoft's own schemas, when they are at hand, as the judge of every request and answer.

`EXCHANGE_SCHEMAS` names a folder with `schemas/messages.xsd` and `schemas/types.xsd`. Both import the XML
namespace without saying from where, so it is given to them.
"""

import os
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from bridge.simulator.xml import MESSAGES, TYPES

_XML_XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://www.w3.org/XML/1998/namespace">
 <xs:attribute name="lang" type="xs:language"/>
 <xs:attribute name="space"><xs:simpleType><xs:restriction base="xs:NCName">
  <xs:enumeration value="default"/><xs:enumeration value="preserve"/></xs:restriction></xs:simpleType></xs:attribute>
</xs:schema>"""
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True)
class Violation:
    """Where the schema is broken (line and column, 1 is the first) and how."""

    line: int
    position: int
    text: str


class Schemas:
    """The compiled schemas. Safe between threads: an XMLSchema's error log is not, hence the lock."""

    def __init__(self, folder: Path) -> None:
        self._schema = etree.XMLSchema(_imports(folder))
        self._lock = threading.Lock()

    def violation(self, content: bytes) -> Violation | None:
        """Give the first violation of an element given as bytes, None when it is valid."""
        element = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
        with self._lock:
            if self._schema.validate(element):
                return None
            log: Any = self._schema.error_log
            first = log[0]
            return Violation(first.line, first.column, first.message)


def _imports(folder: Path) -> etree._ElementTree:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    parser.resolvers.add(_Resolver(folder))
    text = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:import namespace="{MESSAGES}" schemaLocation="exchange:messages.xsd"/>
 <xs:import namespace="{TYPES}" schemaLocation="exchange:types.xsd"/></xs:schema>"""
    return etree.ElementTree(etree.fromstring(text, parser))


class _Resolver(etree.Resolver):
    """Finds the schemas by name, whatever their case, and gives each where the XML namespace is."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._files = {path.name.lower(): path for path in folder.iterdir()}

    def resolve(  # type: ignore[override]  # the stubs know two of lxml's three arguments
        self, system_url: str | None, _public_id: str | None, context: Any
    ) -> Any:
        """Give the text for a schemaLocation."""
        name = (system_url or "").rsplit("/", 1)[-1].removeprefix("exchange:").lower()
        if name == "xml.xsd":
            return self.resolve_string(_XML_XSD, context, base_url=name)
        text = self._files[name].read_text(encoding="utf-8-sig")
        bare = f'<xs:import namespace="{_XML_NAMESPACE}"'
        text = text.replace(f"{bare}/>", f'{bare} schemaLocation="exchange:xml.xsd"/>')
        text = text.replace(f"{bare} />", f'{bare} schemaLocation="exchange:xml.xsd"/>')
        return self.resolve_string(text, context, base_url=name)


def find_schemas() -> Schemas | None:
    """Give the schemas of the folder that EXCHANGE_SCHEMAS names, None when there is none."""
    named = os.environ.get("EXCHANGE_SCHEMAS", "")
    folder = Path(named) / "schemas"
    return _compiled(folder) if named and (folder / "messages.xsd").is_file() else None


@cache
def _compiled(folder: Path) -> Schemas:
    return Schemas(folder)
