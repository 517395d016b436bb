from . import inbound_export
