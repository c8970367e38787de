"""All that knows Radicale: its application with our answers, and its plugins for the stock command.

Radicale looks up the plugins here, by these names.
"""

from bridge.storage_plugin.stock import Auth, Rights, Storage, Web

__all__ = ["Auth", "Rights", "Storage", "Web"]
