"""Start Odoo. ``python -m odoo`` does not suffice: Odoo's master process starts this file again to serve websockets.

With ``--dev=reload`` Odoo watches all directories of addons: its own, in which nothing changes, and the checkout, which
contains the lab with its databases. That causes more events than the kernel can queue. Here Odoo watches only the addon.
"""

from pathlib import Path

from odoo.cli.command import main
from odoo.service import server

_ADDON = Path(__file__).resolve().parents[4] / "mail_gateway"


class _Watcher(server.Observer):
    def schedule(self, handler, path, **options):
        """Watch the addon instead of its parent directory, and no other directory."""
        return super().schedule(handler, str(_ADDON), **options) if Path(path) == _ADDON.parent else None


server.Observer = _Watcher
main()
