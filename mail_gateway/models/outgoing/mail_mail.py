import ast
from textwrap import shorten

from odoo import api, fields, models
from odoo.tools.mail import email_split_and_format_normalize

from ...tools.sending_log import Sending
from ...tools.server_selection import ANY_TRAFFIC, Traffic
from .ir_mail_server import TRAFFIC_KEY

# What was noted about so many e-mails is written down without waiting for the others.
MAX_UNWRITTEN = 100
# Characters; the delivery of each is another matter.
MAX_RECIPIENTS = 300
# Core's words for e-mails without a recipient that could be written to.
NOT_EVEN_TRIED = ("mail_email_missing", "mail_email_invalid")


def _says_bulk(headers):
    """Core keeps further headers as the text of a dictionary; what it can't read it does not send either."""
    try:
        further = dict(headers if isinstance(headers, dict) else ast.literal_eval(headers or "{}"))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return any(str(name).lower() == "precedence" and str(text).lower() == "bulk" for name, text in further.items())


class MailMail(models.Model):
    """Says which kind of mail a message is, and writes down through which server it left, and why."""

    _inherit = "mail.mail"

    traffic = fields.Selection(
        [("transactional", "Transactional"), ("mass", "Mass")], string="Kind of Mail", readonly=True, copy=True
    )
    outgoing_selection_ids = fields.One2many("mail.outgoing.selection", "mail_mail_id", readonly=True)

    # ------------------------------------------------------------------ the kind of mail

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: the kind of mail is clear from the start."""
        for vals in vals_list:
            vals["traffic"] = self._traffic_of(vals).value
        return super().create(vals_list)

    @api.model
    def _traffic_of(self, vals):
        """What counts as mass mail is decided here and nowhere else: mailings of Email Marketing, what the composer
        writes to many records at once (it says so itself), and messages that say `Precedence: bulk`. Everything else is
        transactional.

        :param vals: values of a mail.mail
        """
        is_mass = vals.get("traffic") == Traffic.MASS or vals.get("mailing_id") or _says_bulk(vals.get("headers"))
        return Traffic.MASS if is_mass else Traffic.TRANSACTIONAL

    def _traffic(self):
        """The kind of mail; of what was queued before the addon was installed, as of anything new."""
        self.ensure_one()
        if self.traffic:
            return Traffic(self.traffic)
        return self._traffic_of(
            {"headers": self.headers, "mailing_id": "mailing_id" in self._fields and self.mailing_id}
        )

    # ------------------------------------------------------------------ choosing

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Extends core's method: one kind of mail after the other; what is learned meanwhile is written down."""
        sending = Sending.of(self.env.context) or Sending()
        try:
            for traffic, mails in self._by_traffic().items():
                context = {TRAFFIC_KEY: traffic.value, Sending.KEY: sending}
                super(MailMail, mails.with_context(**context)).send(
                    auto_commit=auto_commit, raise_exception=raise_exception, post_send_callback=post_send_callback
                )
        finally:
            self.env["mail.outgoing.selection"]._record_later(sending.take_rows())
        return True

    def _by_traffic(self):
        lean = self.with_context(prefetch_fields=False)  # no bodies in memory, as in core
        kinds = lean.grouped(lambda mail: mail._traffic())
        return {traffic: self.browse(kinds[traffic].ids) for traffic in Traffic if traffic in kinds}

    def _split_by_mail_configuration(self):
        """Extends core's method: a server that the messages name but that must not carry them is passed over."""
        for server_id, alias_domain_id, smtp_from, ids in super()._split_by_mail_configuration():
            batch = self.browse(ids)
            named = self.env["ir.mail_server"].sudo().browse(server_id)
            chosen = (server_id, smtp_from) if self._may_use(named) else batch._other_server(named, smtp_from)
            if sending := Sending.of(self.env.context):
                sending.server_ids.update(dict.fromkeys(ids, chosen[0] or None))
            yield chosen[0], alias_domain_id, chosen[1], ids

    def _send(
        self,
        auto_commit=False,
        raise_exception=False,
        smtp_session=None,
        alias_domain_id=False,
        mail_server=False,
        post_send_callback=None,
    ):
        """Extends core's method: core splits what exceeds the limit of a personal server into new e-mails."""
        if sending := Sending.of(self.env.context):
            sending.server_ids.update(dict.fromkeys(self.ids, mail_server.id if mail_server else None))
        return super()._send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            smtp_session=smtp_session,
            alias_domain_id=alias_domain_id,
            mail_server=mail_server,
            post_send_callback=post_send_callback,
        )

    def _may_use(self, server):
        """Whether a server that messages name carries them. Core itself refuses other people's servers."""
        return not server or (
            server.active and server.traffic in (ANY_TRAFFIC, False, self.env.context.get(TRAFFIC_KEY))
        )

    def _other_server(self, named, author):
        """A server for these messages of one author, instead of the one that they name: one that all senders may use."""
        servers = self[:1]._servers_at_hand()
        everyone = servers.sudo().search([("active", "=", True)], order="sequence, id")
        allowed = self._filter_mail_mail_servers(everyone)
        server, smtp_from = servers._chosen(servers._select_server(author, allowed, named - allowed, forced=named))
        return server.id if server else False, smtp_from

    def _servers_at_hand(self):
        """The model of servers with the default From that counts for this message, as core sets it."""
        alias_domain = self.record_alias_domain_id.sudo()
        servers = self.env["ir.mail_server"]
        return (
            servers.with_context(domain_notifications_email=alias_domain.default_from_email)
            if alias_domain
            else servers
        )

    # ------------------------------------------------------------------ writing it down

    def _postprocess_sent_message(self, success_pids, success_emails, failure_reason=False, failure_type=None):
        """Extends core's method: before it deletes the e-mail, what was chosen is noted."""
        if sending := Sending.of(self.env.context):
            sent_as = sending.take_sent_as()
            if sent_as or failure_type not in NOT_EVEN_TRIED:
                sending.rows.extend(
                    mail._selection_values(mail._selection(sending), sent_as)
                    for mail in self.filtered(lambda mail: failure_type or mail._leaves_a_message())
                )
            if len(sending.rows) >= MAX_UNWRITTEN:
                self.env["mail.outgoing.selection"]._record_later(sending.take_rows())
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def _leaves_a_message(self):
        return self.is_notification or not self.auto_delete

    def _selection(self, sending):
        """The choice that was made for this message in this run."""
        servers, server_id = self._servers_at_hand(), sending.server_ids.get(self.id)
        if selection := sending.selection(self._author(), servers._default_from(), server_id):
            return selection
        return servers.sudo().browse(server_id)._selection_of(self._author())

    def _author(self):
        """The From as core takes it: of several addresses the first."""
        return next(iter(email_split_and_format_normalize(self.email_from)), self.email_from) or ""

    def _selection_values(self, selection, sent_as):
        server = selection.server
        return {
            "mail_message_id": self.mail_message_id.id,
            "mail_mail_id": self.id,
            "mail_key": self.id,
            "failed": self.state == "exception",
            "mail_server_id": server.id if server else False,
            "server_name": server.name if server else self.env._("Settings of odoo-bin"),
            "step": selection.step.value,
            "from_filter": self.env["ir.mail_server"]._filter_message(selection),
            "traffic": self._traffic().value,
            "recipients": self._recipients_in_short(),
            "from_before": sent_as.author if sent_as else selection.author,
            "from_after": sent_as.header_from if sent_as else selection.header_from,
            "return_path": sent_as.return_path if sent_as else False,
            "reply_to": sent_as.reply_to if sent_as else self.reply_to,
            "passed_over": self.env["ir.mail_server"]._all_passed_over_message(selection),
        }

    def _recipients_in_short(self):
        named = [self.email_to, self.email_cc, *self.recipient_ids.mapped("email_formatted")]
        return shorten(", ".join(filter(None, named)), MAX_RECIPIENTS)
