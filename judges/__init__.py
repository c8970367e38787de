"""Foreign judges: what programs that nobody here wrote say about the bridge (``make judges``)."""
