"""The mirror's sealed columns, all of them."""

from bridge.mirror.database import PROBE
from bridge.mirror.schema import VERSION, versions
from bridge.mirror.seals import BLOCKS, CALENDARS, CURSOR, FACTS, GRAVE, HEAD, PENDING, TEXT
from bridge.sealed import SealedSchema

MIRROR = SealedSchema(
    "mirror", versions, VERSION, (PROBE, CURSOR, HEAD, TEXT, FACTS, GRAVE, PENDING, CALENDARS, BLOCKS)
)
