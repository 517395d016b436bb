"""Outgoing messages: which server sends each of them, and the record of that."""

from collections import defaultdict
from itertools import chain, groupby
from operator import itemgetter
from textwrap import shorten

from odoo import fields, models
from odoo.tools import split_every
from odoo.tools.mail import email_split_and_format_normalize

from ...tools.sending_log import Sending
from ...tools.server_selection import ANY_TRAFFIC, Traffic
from .ir_mail_server import TRAFFIC_KEY

# Sending details of this many e-mails are recorded before the run goes on.
MAX_UNWRITTEN = 100
# Characters of all recipients together.
MAX_RECIPIENTS = 300
# Core's failure types of e-mails without a valid recipient: core does not try to send them.
NOT_EVEN_TRIED = ("mail_email_missing", "mail_email_invalid")


class MailMail(models.Model):
    """Keeps the selection of a server with its e-mails, and records which server sent them, and why."""

    _inherit = "mail.mail"

    outgoing_selection_ids = fields.One2many("mail.outgoing.selection", "mail_mail_id", readonly=True)

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Extends core's method: it sends transactional e-mails first, and records how they were sent."""
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
        """Extends core's method: each e-mail keeps the selection that was made for it.

        Core makes one selection for a group of e-mails with the same author, alias domain, specified server and allowed
        servers, and then joins groups with the same result, one after the other. The first e-mail of each group brings its
        selection along.
        """
        sending = Sending.of(self.env.context) or Sending()
        mails, batches = self.with_context(**{Sending.KEY: sending}), defaultdict(list)
        cores = [*super(MailMail, mails)._split_by_mail_configuration()]
        sending.forget_asked()
        for (server_id, alias_domain_id, smtp_from), joined in groupby(cores, itemgetter(0, 1, 2)):
            selected = None
            for group in mails.browse(chain.from_iterable(batch[3] for batch in joined))._by_selection(sending):
                selected = sending.selected.get(group.ids[0], selected)
                selection, sender = group._selection_for(server_id, smtp_from, selected)
                sending.selections.update(dict.fromkeys(group.ids, selection))
                batches[selection.server.id if selection.server else False, alias_domain_id, sender] += group.ids
        size = int(self.env["ir.config_parameter"].sudo().get_param("mail.session.batch.size")) or 1000  # as in core
        for (server_id, alias_domain_id, smtp_from), ids in batches.items():
            for batch_ids in split_every(size, ids):
                sending.by_odoo_bin = not server_id
                yield server_id, alias_domain_id, smtp_from, batch_ids

    def _filter_mail_mail_servers(self, mail_servers):
        """Extends core's method: its answer tells the e-mail apart while core splits e-mails into batches."""
        allowed = super()._filter_mail_mail_servers(mail_servers)
        sending = Sending.of(self.env.context)
        if sending and len(self) == 1:
            allowed = allowed.browse(allowed._ids)  # an object of its own, whatever other addons return
            sending.asked(self.id, allowed)
        return allowed

    def _by_selection(self, sending):
        """Return the groups of e-mails for which one selection is made, in core's order."""
        groups, kind = [], None
        for mail in self.with_context(prefetch_fields=False):  # no bodies in memory, as in core
            before, kind = kind, (mail.mail_server_id.id, mail._author())
            if mail.id in sending.selected or kind != before:
                groups.append([])
            groups[-1].append(mail.id)
        return [self.browse(ids) for ids in groups]

    def _selection_for(self, server_id, smtp_from, selected):
        """Return the selection for these e-mails, which have one author.

        :param server_id: the server that core found or that the e-mails specify; False for the settings of odoo-bin
        :param str smtp_from: the From of the SMTP session, by core
        :param selected: the Selection that core made last; it counts unless it was made for somebody else's e-mails, as when
            another addon finds their server, or the e-mails specify their server
        :return: (Selection, From of the SMTP session)
        """
        first, server = self[:1], self.env["ir.mail_server"].sudo().browse(server_id)
        is_theirs = selected and selected.author == first._author() and not first.mail_server_id
        if is_theirs and server_id == (selected.server.id if selected.server else False):
            return selected, smtp_from
        if self._may_use(server):
            return first._servers_at_hand().sudo().browse(server_id)._selection_of(first._author()), smtp_from
        return self._select_another_server(server, smtp_from)

    def _may_use(self, server):
        """Return whether a server that e-mails specify may send them. Core refuses servers of other people itself."""
        return not server or (
            server.active and server.traffic in (ANY_TRAFFIC, False, self.env.context.get(TRAFFIC_KEY))
        )

    def _select_another_server(self, named, author):
        """Select a server that all senders of these e-mails may use, instead of the one that the e-mails specify.

        :return: (Selection, From of the SMTP session)
        """
        servers = self[:1]._servers_at_hand()
        everyone = servers.sudo().search([("active", "=", True)], order="sequence, id")
        allowed = self._filter_mail_mail_servers(everyone)
        selection = servers._select_server(author, allowed, named - allowed, forced=named)
        return selection, servers._as_core_returns_it(selection)[1]

    def _servers_at_hand(self):
        """Return the model of servers with the default From that applies to this e-mail, as core sets it."""
        alias_domain = self.record_alias_domain_id.sudo()
        servers = self.env["ir.mail_server"]
        return (
            servers.with_context(domain_notifications_email=alias_domain.default_from_email)
            if alias_domain
            else servers
        )

    def _split_by_delayed_batch(self, mail_server):
        """Extends core's method: an e-mail that core splits by recipients, since it exceeds the limit of a personal
        server, shares its selection with the new e-mail.
        """
        to_send = super()._split_by_delayed_batch(mail_server)
        if sending := Sending.of(self.env.context):
            known = {mail.mail_message_id: sending.selections.get(mail.id) for mail in self}
            sending.selections.update({mail.id: known.get(mail.mail_message_id) for mail in to_send - self})
        return to_send

    def _send(
        self,
        auto_commit=False,
        raise_exception=False,
        smtp_session=None,
        alias_domain_id=False,
        mail_server=False,
        post_send_callback=None,
    ):
        """Extends core's method: where an addon sends e-mails through another server than the selected one, that server is
        recorded.
        """
        if sending := Sending.of(self.env.context):
            server_id = mail_server.id if mail_server else False
            for mail in self:
                selection = sending.selections.get(mail.id)
                if selection and server_id != (selection.server.id if selection.server else False):
                    sending.selections[mail.id] = (
                        mail._servers_at_hand().sudo().browse(server_id)._selection_of(mail._author())
                    )
        return super()._send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            smtp_session=smtp_session,
            alias_domain_id=alias_domain_id,
            mail_server=mail_server,
            post_send_callback=post_send_callback,
        )

    # ------------------------------------------------------------------ recording

    def _postprocess_sent_message(self, success_pids, success_emails, failure_reason=False, failure_type=None):
        """Extends core's method: collects the sending details of an e-mail before core deletes it."""
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
        """Return the selection that was made for this e-mail in this run.

        An addon may send e-mails in batches of its own; then nothing was selected, and the specified server applies.
        """
        if selection := sending.selections.get(self.id):
            return selection
        return self._servers_at_hand().sudo().browse(self.mail_server_id.id)._selection_of(self._author())

    def _author(self):
        """Return the From as core uses it: the first of several addresses."""
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
