"""Reads from the mirror, writes to Exchange, and one policy for when the mirror is brought up to date."""
