import ast
import logging

import psycopg2

from odoo import fields, models
from odoo.tools.mail import email_split_and_format_normalize

from ..tools.sending import Sending
from ..tools.server_selection import ANY_TRAFFIC, Traffic
from .ir_mail_server import TRAFFIC_KEY

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    """Says which kind of mail a message is, and writes down through which server it left, and why."""

    _inherit = "mail.mail"

    composed_for_many = fields.Boolean(readonly=True, help="Written to many records at once.")
    outgoing_selection_ids = fields.One2many("mail.outgoing.selection", "mail_mail_id", readonly=True)

    # ------------------------------------------------------------------ the kind of mail

    def _traffic(self):
        """What counts as mass mail is decided here and nowhere else: mailings of Email Marketing, what the composer
        writes to many records at once, and messages that say `Precedence: bulk`. Everything else is transactional.
        """
        self.ensure_one()
        is_mailing = "mailing_id" in self._fields and bool(self.mailing_id)
        is_mass = self.composed_for_many or is_mailing or self._says_bulk()
        return Traffic.MASS if is_mass else Traffic.TRANSACTIONAL

    def _says_bulk(self):
        """Core keeps further headers as the text of a dictionary; what it can't read it does not send either."""
        try:
            headers = dict(ast.literal_eval(self.headers or "{}"))
        except (ValueError, TypeError, SyntaxError):
            return False
        return any(str(name).lower() == "precedence" and str(text).lower() == "bulk" for name, text in headers.items())

    # ------------------------------------------------------------------ choosing

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Extends core's method: one kind of mail after the other; what is learned meanwhile is written down."""
        for traffic, mails in self._by_traffic().items():
            context = {TRAFFIC_KEY: traffic.value, Sending.KEY: Sending()}
            super(MailMail, mails.with_context(**context)).send(
                auto_commit=auto_commit, raise_exception=raise_exception, post_send_callback=post_send_callback
            )
        return True

    def _by_traffic(self):
        lean = self.with_context(prefetch_fields=False)  # no bodies in memory, as in core
        ids = {traffic: [mail.id for mail in lean if mail._traffic() is traffic] for traffic in Traffic}
        return {traffic: self.browse(of_a_kind) for traffic, of_a_kind in ids.items() if of_a_kind}

    def _split_by_mail_configuration(self):
        """Extends core's method: a server that the messages name but that must not carry them is passed over."""
        for server_id, alias_domain_id, smtp_from, ids in super()._split_by_mail_configuration():
            batch = self.browse(ids)
            chosen = (server_id, smtp_from) if batch._may_use(server_id) else batch[:1]._other_server(smtp_from)
            yield chosen[0], alias_domain_id, chosen[1], ids

    def _may_use(self, server_id):
        """Whether a server that these messages name carries them. Core itself refuses other people's servers."""
        server = self.env["ir.mail_server"].sudo().browse(server_id)
        if not server or server.owner_user_id:
            return True
        return server.active and server.traffic in (ANY_TRAFFIC, False, self.env.context.get(TRAFFIC_KEY))

    def _other_server(self, author):
        servers, allowed = self._servers_at_hand()
        server, smtp_from = servers._find_mail_server(author, allowed)
        return server.id if server else False, smtp_from

    def _servers_at_hand(self):
        """The server model with what this message brings along, and the servers that its sender may use."""
        servers = self.env["ir.mail_server"].with_context(**{TRAFFIC_KEY: self._traffic().value})
        if alias_domain := self.record_alias_domain_id.sudo():
            servers = servers.with_context(domain_notifications_email=alias_domain.default_from_email)
        return servers, self._filter_mail_mail_servers(servers.sudo().search([], order="sequence, id"))

    # ------------------------------------------------------------------ writing it down

    def _postprocess_sent_message(self, success_pids, success_emails, failure_reason=False, failure_type=None):
        """Extends core's method: before it deletes the e-mail, what was chosen is written down with its message."""
        if sending := Sending.of(self.env.context):
            sent_as = sending.take()
            for mail in self.filtered(lambda mail: failure_type or mail._leaves_a_message()):
                mail._record_selection(sending, sent_as)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def _leaves_a_message(self):
        return self.is_notification or not self.auto_delete

    def _record_selection(self, sending, sent_as):
        """An explanation that can't be written must not stop a message that has left: it would leave again."""
        try:
            with self.env.cr.savepoint():
                values = self._selection_values(self._selection(sending), sent_as)
                self.env["mail.outgoing.selection"].sudo()._record(values)
        except psycopg2.Error:
            _logger.warning("How e-mail %s was sent could not be written down", self.id, exc_info=True)

    def _selection(self, sending):
        """The choice that was made for this message; made once for all that are alike."""
        servers, allowed = self._servers_at_hand()
        forced = self.mail_server_id
        key = (self._author(), forced.id, self.record_alias_domain_id.id, self._traffic(), allowed._ids)
        if key not in sending.selections:
            sending.selections[key] = servers._select_server(self._author(), allowed, forced)
        return sending.selections[key]

    def _author(self):
        """The From as core takes it: of several addresses the first."""
        return next(iter(email_split_and_format_normalize(self.email_from)), self.email_from) or ""

    def _selection_values(self, selection, sent_as):
        server = self.env["ir.mail_server"].sudo().browse(selection.server.id if selection.server else False)
        return {
            "mail_message_id": self.mail_message_id.id,
            "mail_mail_id": self.id,
            "mail_server_id": server.id,
            "server_name": server.name or self.env._("Settings of odoo-bin"),
            "step": selection.step.value,
            "traffic": self._traffic().value,
            "from_before": selection.author,
            "from_after": sent_as.header_from if sent_as else selection.header_from,
            "return_path": sent_as.return_path if sent_as else False,
            "reply_to": sent_as.reply_to if sent_as else self.reply_to,
            "passed_over": server._words_for_all_passed_over(selection),
        }
