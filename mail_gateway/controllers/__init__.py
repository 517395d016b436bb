"""The HTTP routes of the addon."""

from . import inbound_export
