"""Starts Odoo. ``python -m odoo`` cannot: its master process starts the process for websockets from this very file."""

from odoo.cli.command import main

main()
