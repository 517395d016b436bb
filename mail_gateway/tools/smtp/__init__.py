"""SMTP sessions: connection test, login, TLS. Start reading at connection_test.py."""
