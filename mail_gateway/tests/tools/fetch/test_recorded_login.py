from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.fetch.recorded_login import LoginRecorder


class Connection:
    """Records the calls that are made on it."""

    def __init__(self, error=None):
        self.calls = []
        self._error = error

    def authenticate(self, *args, **kwargs):
        self.calls.append((args, kwargs))
        if self._error:
            raise self._error


class TestLoginRecorder(ToolsCase):
    def test_calls_are_repeated_in_their_order_with_their_arguments(self):
        recorder, connection = LoginRecorder(), Connection()
        recorder.authenticate("XOAUTH2", initial=b"token")
        recorder.authenticate("PLAIN")
        recorder.replay(connection)
        self.assertEqual(connection.calls, [(("XOAUTH2",), {"initial": b"token"}), (("PLAIN",), {})])

    def test_recording_a_call_returns_none(self):
        self.assertIsNone(LoginRecorder().login("user", "password"))

    def test_every_replay_repeats_all_calls(self):
        recorder, connection = LoginRecorder(), Connection()
        recorder.authenticate("PLAIN")
        for _visit in range(2):
            recorder.replay(connection)
        self.assertEqual(len(connection.calls), 2)

    def test_a_refusal_of_the_server_is_raised_and_ends_the_replay(self):
        recorder, connection = LoginRecorder(), Connection(PermissionError("no"))
        recorder.authenticate("XOAUTH2")
        recorder.authenticate("PLAIN")
        with self.assertRaises(PermissionError):
            recorder.replay(connection)
        self.assertEqual(len(connection.calls), 1)

    def test_private_attributes_of_a_connection_cannot_be_recorded(self):
        with self.assertRaises(AttributeError):
            LoginRecorder()._sock  # noqa: B018
