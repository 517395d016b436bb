"""Odoo: its source, its databases, its processes."""
