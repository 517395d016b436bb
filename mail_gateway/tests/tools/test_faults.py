import errno
import poplib
import socket
import ssl
from imaplib import IMAP4

import psycopg2
from psycopg2 import errors

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.faults import ConnectionFault, connection_fault, is_passing
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import LoginRefused
from odoo.addons.mail_gateway.tools.fetch.worker_threads import Abandoned


def reported(code):
    """Return the error that psycopg2 raises when the server reports this SQLSTATE."""
    kind = errors.lookup(code)
    return type(kind.__name__, (kind,), {"pgcode": code})()


class TestPassingFaults(ToolsCase):
    def test_conflicts_locks_and_a_restarting_database_are_passing_faults(self):
        for code in ("40001", "40P01", "55P03", "57P01", "53100", "53300", "58030", "25006", "08006"):
            with self.subTest(code=code):
                self.assertTrue(is_passing(reported(code)))

    def test_errors_that_the_message_itself_causes_are_not_passing_faults(self):
        for code in ("23505", "23502", "22021", "42P01", "54000"):
            with self.subTest(code=code):
                self.assertFalse(is_passing(reported(code)))

    def test_a_broken_connection_to_the_database_is_a_passing_fault(self):
        self.assertTrue(is_passing(psycopg2.OperationalError("server closed the connection unexpectedly")))
        self.assertTrue(is_passing(psycopg2.InterfaceError("connection already closed")))

    def test_a_programming_error_without_a_code_is_not_a_passing_fault(self):
        self.assertFalse(is_passing(psycopg2.ProgrammingError("no results to fetch")))

    def test_a_full_disk_and_too_many_files_are_passing_faults(self):
        for number in (errno.ENOSPC, errno.EMFILE, errno.EIO, errno.EROFS):
            with self.subTest(errno=number):
                self.assertTrue(is_passing(OSError(number, "x")))

    def test_a_missing_file_is_not_a_passing_fault(self):
        self.assertFalse(is_passing(FileNotFoundError(errno.ENOENT, "x")))

    def test_memory_and_network_errors_are_passing_faults(self):
        for error in (MemoryError(), ConnectionResetError(), BrokenPipeError(), TimeoutError()):
            with self.subTest(error=error):
                self.assertTrue(is_passing(error))

    def test_bugs_are_not_passing_faults(self):
        for error in (ValueError(), KeyError(), RecursionError(), None):
            with self.subTest(error=error):
                self.assertFalse(is_passing(error))

    def test_a_passing_fault_counts_at_any_depth_of_causes(self):
        error = ValueError("wrapped")
        error.__cause__ = RuntimeError("wrapped")
        error.__cause__.__cause__ = reported("40001")
        self.assertTrue(is_passing(error))


class TestConnectionFault(ToolsCase):
    def test_every_error_has_its_kind(self):
        for error, kind in (
            (socket.gaierror(-2, "Name or service not known"), ConnectionFault.NAME),
            (UnicodeError("label empty or too long"), ConnectionFault.NAME),
            (ConnectionRefusedError(), ConnectionFault.REFUSED),
            (ssl.SSLCertVerificationError("self signed"), ConnectionFault.CERTIFICATE),
            (TimeoutError(), ConnectionFault.TIMEOUT),
            (Abandoned(), ConnectionFault.TIMEOUT),
            (ssl.SSLError("wrong version number"), ConnectionFault.TLS),
            (LoginRefused("no"), ConnectionFault.LOGIN),
            (IMAP4.abort("EOF"), ConnectionFault.LOST),
            (ConnectionResetError(), ConnectionFault.LOST),
            (EOFError(), ConnectionFault.LOST),
            (IMAP4.error("NO"), ConnectionFault.REPLY),
            (poplib.error_proto(b"-ERR"), ConnectionFault.REPLY),
            (KeyError("x"), ConnectionFault.OTHER),
        ):
            with self.subTest(error=error):
                self.assertIs(connection_fault(error), kind)

    def test_an_invalid_host_name_is_a_wrong_name(self):
        with self.assertRaises(UnicodeError) as caught:
            socket.create_connection(("x" * 64 + ".example", 1), timeout=1)
        self.assertIs(connection_fault(caught.exception), ConnectionFault.NAME)
