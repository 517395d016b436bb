"""Fetches messages by IMAP and POP3 and acknowledges them. Start reading at fetch_mailbox.py and mailbox.py."""
