"""Pure Python: parsing, choosing, classifying, talking IMAP and POP3. Nothing here imports odoo."""
