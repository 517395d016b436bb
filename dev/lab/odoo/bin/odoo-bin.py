"""Starts Odoo. ``python -m odoo`` cannot: its master process starts the process for websockets from this very file.

With ``--dev=reload`` Odoo watches all directories of addons: its own, in which nothing changes, and the checkout, which
holds the lab with its databases. So many events are more than the kernel keeps. Here it watches the addon alone.
"""

from pathlib import Path

from odoo.cli.command import main
from odoo.service import server

_ADDON = Path(__file__).resolve().parents[4] / "mail_gateway"


class _Watcher(server.Observer):
    def schedule(self, handler, path, **options):
        """Watch the addon, in the place of the directory that it is in."""
        return super().schedule(handler, str(_ADDON), **options) if Path(path) == _ADDON.parent else None


server.Observer = _Watcher
main()
