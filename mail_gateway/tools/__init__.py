"""Pure Python: parses, selects, classifies, talks IMAP, POP3 and SMTP. Nothing here imports odoo.

Start reading at delivery.py and policy.py for incoming messages, at server_selection.py for outgoing ones.
"""
