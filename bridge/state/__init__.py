"""What must never be lost: login proofs, intents, names of calendars. Backed up, never removed by itself."""
