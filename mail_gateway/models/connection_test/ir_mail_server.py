"""The connection test of an outgoing mail server, with the settings of that server."""

import logging
from base64 import b64decode

import idna

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import config

from ...tools.headers.addresses import filter_entries
from ...tools.smtp.connection_test import run_connection_test
from ...tools.smtp.connection_test_values import LoginImpossible, Plan
from ...tools.smtp.tls import OwnCertificate
from ..client_actions import CLOSE_DIALOG, notification

_logger = logging.getLogger(__name__)


class IrMail_Server(models.Model):
    """Implements *Test Connection*: it does what core's `_connect__` does, step by step, and sends no message."""

    _inherit = "ir.mail_server"

    def action_connection_test(self):
        """Test the connection and show each step in a dialog.

        :return: an action
        :raises AccessError: for users who may not change the server
        :raises UserError: when a personal server can't be used
        """
        self.ensure_one()
        self.check_access("write")
        return self.env["mail.server.connection.test"]._open(self)

    def test_smtp_connection(self, autodetect_max_email_size=False):
        """Replaces core's method, unless the size limit is wanted: the error says which step failed, what to do about
        it and which ports answer. No DATA command is sent, since some servers treat it as the start of a message.

        :param bool autodetect_max_email_size: call core's method, which reads the size limit from the server
        :return: an action that shows a notification
        :raises AccessError: for users who may not read the server
        :raises UserError: when a step of the test fails
        """
        self.check_access("read")
        if autodetect_max_email_size:
            return super().test_smtp_connection(autodetect_max_email_size)
        for server in self:
            plan, report = server._run_connection_test()
            if report.failed:
                raise UserError(server._report_failure(plan, report))
        return notification("success", self.env._("Connection Test Successful!"), then=CLOSE_DIALOG)

    def _run_connection_test(self):
        """Test this server.

        :return: (mail_gateway.tools.smtp.connection_test_values.Plan, Report)
        :raises UserError: when core refuses to use this server at all
        """
        self.ensure_one()
        if self._disable_send():
            raise UserError(self.env._("Odoo connects to no mail server while it starts or while tests run."))
        # sudo: ir.mail_server - core does the same: users may test their personal server
        server = self.sudo()
        plan = server._connection_test_plan()
        if plan.sender:
            server._check_forced_mail_server(server, True, plan.sender)
        report = run_connection_test(plan)
        problem = report.failed and report.failed.problem.value
        _logger.info("Test of outgoing mail server %s: %s", server.id, problem or report.outcome.value)
        return plan, report

    def _connection_test_plan(self):
        is_cli = self.smtp_authentication == "cli"
        values = self._connection_test_values_of_odoo_bin() if is_cli else self._connection_test_values_of_fields()
        user, password = values.pop("user"), values.pop("password")
        return Plan(
            **values,
            login=self._connection_test_login(user, password) if user else None,
            secret=password,
            sender=self._connection_test_sender()[0],
            recipient=self._get_test_email_to(),
        )

    def _connection_test_values_of_odoo_bin(self):
        """Return what core's `_connect__` takes from odoo-bin's options; it verifies no certificate then."""
        certificate, key = config.get("smtp_ssl_certificate_filename"), config.get("smtp_ssl_private_key_filename")
        files = OwnCertificate(certificate_file=certificate, key_file=key) if certificate and key else None
        return {
            "host": config.get("smtp_server") or "",
            "port": config.get("smtp_port") or 25,
            "encryption": "starttls" if config.get("smtp_ssl") else "none",
            "user": config.get("smtp_user") or "",
            "password": config.get("smtp_password") or "",
            "own_certificate": files,
        }

    def _connection_test_values_of_fields(self):
        """Return what core's `_connect__` takes from the server: a certificate replaces user name and password."""
        by_certificate = self.smtp_authentication == "certificate"
        pem = OwnCertificate(_decode(self.smtp_ssl_certificate), _decode(self.smtp_ssl_private_key))
        return {
            "host": self.smtp_host or "",
            "port": self.smtp_port,
            "encryption": self.smtp_encryption,
            "user": "" if by_certificate else self.smtp_user or "",
            "password": "" if by_certificate else self.smtp_pass or "",
            "own_certificate": pem if by_certificate else None,
        }

    def _connection_test_login(self, user, password):
        """Return a function that logs in like core's `_connect__`, by the hook that OAuth modules extend."""

        def login(connection):
            local, at, domain = user.rpartition("@")
            name = local + at + idna.encode(domain).decode() if at else user
            try:
                self._smtp_login__(connection, name, password)
            except UserError as error:
                raise LoginImpossible(str(error)) from error

        return login

    def _connection_test_sender(self):
        """Return the sender to test with: core's or, for a server without a filter, the envelope sender of messages.

        Core would test such a server with the address of the current user.

        :return: (address, why there is none)
        """
        if not filter_entries(self.from_filter):
            sender = self._get_default_bounce_address() or self._get_default_from_address()
            if sender:
                return sender, ""
        try:
            return self._get_test_email_from(), ""
        except UserError as error:
            return "", str(error)


def _decode(value):
    """Return the bytes of a binary field; empty when it contains something else."""
    try:
        return b64decode(value or b"")
    except ValueError:
        return b""
