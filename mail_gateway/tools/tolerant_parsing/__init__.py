"""Makes of any bytes a message that Odoo can process. Start reading at readable.py."""
