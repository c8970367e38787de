"""The port over Exchange Web Services. `wire` alone knows exchangelib; items by our own table; a file per operation."""
