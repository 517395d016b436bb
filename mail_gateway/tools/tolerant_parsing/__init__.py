"""Turns any bytes into a message that Odoo can process. Start reading at readable.py."""
