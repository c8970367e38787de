"""The state's sealed columns, all of them."""

from bridge.sealed import SealedSchema
from bridge.state import intents, kept_properties, names, personal_lines, proofs, shares
from bridge.state.database import PROBE
from bridge.state.schema import VERSION, versions

STATE = SealedSchema(
    "state",
    versions,
    VERSION,
    (
        PROBE,
        proofs.SEALED,
        intents.SEALED,
        names.SEALED,
        shares.SEALED,
        kept_properties.SEALED,
        personal_lines.SEALED,
    ),
)
