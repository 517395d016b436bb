"""Signing in from a thread that must not touch the database."""


class LoginRecorder:
    """Stands in for an imaplib or poplib connection and notes what is called on it.

    Odoo's OAuth modules fetch their token, with the ORM, when they sign in on a connection. They do it on a
    recorder; the network thread repeats the calls on the real connection.
    """

    def __init__(self):
        self._calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def note(*args, **kwargs):
            self._calls.append((name, args, kwargs))

        return note

    def replay(self, connection) -> None:
        """Do on `connection` what was recorded.

        :raises imaplib.IMAP4.error, poplib.error_proto: when the server refuses
        """
        for name, args, kwargs in self._calls:
            getattr(connection, name)(*args, **kwargs)
