"""The test lab: real Odoo, PostgreSQL, Dovecot, Postfix and Chromium, kept under .lab/ and reachable on loopback only.

Run it as ``PYTHONPATH=dev python3 -m lab <command>``; tests use it as ``from lab.odoo.server import OdooServer``.
"""
