"""Records a login, for a thread that must not use the database."""


class LoginRecorder:
    """Stands in for an imaplib or poplib connection, and records the calls of its methods.

    Odoo's OAuth modules fetch their token, with the ORM, while they log in on a connection. The gateway lets them log in on
    a recorder, and the network thread repeats the calls on the real connection.
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
        """Make the recorded calls on a connection.

        :raises imaplib.IMAP4.error, poplib.error_proto: when the server refuses
        """
        for name, args, kwargs in self._calls:
            getattr(connection, name)(*args, **kwargs)
