"""Pure Python code that parses, selects, classifies, and talks IMAP, POP3 and SMTP. No module here imports odoo.

Start reading at delivery.py and policy.py for incoming messages, and at server_selection.py for outgoing ones.
"""
