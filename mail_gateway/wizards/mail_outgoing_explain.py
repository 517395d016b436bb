"""The dialog that explains outgoing messages."""

from types import SimpleNamespace

from odoo import api, fields, models
from odoo.tools.mail import email_split_and_format_normalize

from ..models.outgoing.ir_mail_server import TRAFFIC_KEY
from ..tools.headers.addresses import author_address, filter_entries, filter_matches
from ..tools.headers.display_names import one_line
from ..tools.sending_log import Sending
from ..tools.server_selection import Step, Traffic


class MailOutgoingExplain(models.TransientModel):
    """Explains which server would send a message, under which From, and why; it sends nothing and stores nothing.

    The answer comes from the methods that process real messages: they select a server for an e-mail in memory
    (`ir.mail_server._select_server`), and prepare the e-mail for sending (`_prepare_email_message__`).
    """

    _name = "mail.outgoing.explain"
    _description = "Explain an Outgoing Message"

    # the question
    email_from = fields.Char(
        "From",
        default=lambda self: self.env.user.email_formatted if self.env.user.email else "",
        help="The author, with or without a name: Mary Smith <mary@mycompany.com>",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        help="The company that sends. Its alias domain supplies the default From and the bounce address.",
    )
    traffic = fields.Selection(
        [(Traffic.TRANSACTIONAL.value, "Transactional"), (Traffic.MASS.value, "Mass")],
        required=True,
        default=Traffic.TRANSACTIONAL.value,
        help="Transactional: notifications, replies, documents. Mass: mailings, and e-mails to many records at once.",
    )
    record = fields.Reference(
        selection="_selection_models",
        help="The record whose chatter contains the message, if any. Its company and its alias apply.",
    )
    named_server = fields.Selection(
        selection="_selection_servers",
        string="Specified Server",
        help="The server that the message, its template or its mailing specifies, if any.",
    )

    # the answer
    server_name = fields.Char("Sent Through", compute="_compute_answer")
    step = fields.Char("Reason", compute="_compute_answer")
    without_filter = fields.Char("Default Filtering", compute="_compute_answer")
    from_after = fields.Char("Sent From", compute="_compute_answer")
    return_path = fields.Char("Return-Path", compute="_compute_answer")
    reply_to = fields.Char("Reply-To", compute="_compute_answer")
    default_from = fields.Char(compute="_compute_answer")
    uses_odoo_bin = fields.Boolean(compute="_compute_answer")
    odoo_bin_filter = fields.Char("FROM Filtering of odoo-bin", compute="_compute_answer")
    warnings = fields.Text(compute="_compute_answer")
    remarks = fields.Text(compute="_compute_answer")
    line_ids = fields.One2many("mail.outgoing.explain.line", "explain_id", "Servers", compute="_compute_answer")

    @api.model
    def _selection_models(self):
        return self.env["mail.inbound.route"]._selection_models()

    @api.model
    def _selection_servers(self):
        """Return the servers that a message may specify: postmasters see their names only, and other users nothing.

        `fields_get` calls this without checking rights on the model.
        """
        if not self.has_access("read"):
            return []
        servers = self.env["ir.mail_server"].sudo().search([("owner_user_id", "=", False)], order="sequence, id")
        return [(str(server.id), server.name) for server in servers]

    @api.depends("email_from", "company_id", "traffic", "record", "named_server")
    def _compute_answer(self):
        for wizard in self:
            mail = wizard._as_mail()
            selection = wizard._select_for(mail)
            sent_as = wizard._dry_run(mail, selection)
            wizard.update(wizard._answer(mail, selection, sent_as))
            wizard.line_ids = [fields.Command.clear(), *map(fields.Command.create, wizard._lines(selection))]

    # ------------------------------------------------------------------ the question

    def _author(self):
        """Return the From as it was typed, without characters that a header can't contain."""
        return one_line(self.email_from or "")

    def _as_mail(self, writer=None):
        """Return the message as core creates it, in memory only.

        :param writer: the user who writes it; None for a user without a personal server
        """
        record = self._readable_record()
        mails = self.env["mail.mail"].sudo().with_company(self._company())
        return mails.new(
            {
                "email_from": self._author(),
                "mail_message_id": mails.env["mail.message"].new({"create_uid": (writer or self.env["res.users"]).id}),
                "record_alias_domain_id": record and self._alias_domain(record).id,
                "reply_to": self._reply_to(record),
                "traffic": self.traffic,
            }
        )

    def _servers_for(self, mail):
        """Return the model of servers with all rights, and with the context that applies to a message."""
        return mail._servers_at_hand().sudo().with_context(**{TRAFFIC_KEY: mail._traffic().value})

    def _select_for(self, mail):
        """Select a server as when the message is sent, and explain the servers that can't be used, too.

        :rtype: mail_gateway.tools.server_selection.Selection
        """
        servers = self._servers_for(mail)
        everyone = servers.search([("active", "in", (True, False))])
        offered = mail._filter_mail_mail_servers(everyone.filtered("active"))
        named = everyone.filtered(lambda server: str(server.id) == self.named_server)
        return servers._select_server(mail._author(), offered, everyone - offered, forced=named)

    def _readable_record(self):
        """Return the record with all rights; None when there is none, or when the user may not read it."""
        record = self.record and self.record.exists()
        return record.sudo() if record and record.has_access("read") else None

    def _company(self):
        record = self._readable_record()
        company = self.company_id or self.env.company
        return record._mail_get_companies(default=company)[record.id] if record else company

    def _alias_domain(self, record):
        return record._mail_get_alias_domains(default_company=self.company_id or self.env.company)[record.id]

    def _reply_to(self, record):
        """Return the Reply-To that core gives to a message of this author, in the chatter of a record or elsewhere."""
        threads = (record or self.env["mail.thread"]).sudo().with_company(self._company())
        author = self.env["res.partner"]
        if author_address(self._author()):
            author = self.env["mail.thread"].sudo()._partner_find_from_emails_single([self._author()], no_create=True)
        answer = threads._notify_get_reply_to(default=self._author(), author_id=author.id)
        return answer[record.id if record else False]

    def _dry_run(self, mail, selection):
        """Prepare the message as before sending.

        :return: mail_gateway.tools.sending_log.SentAs; None when sending would fail
        """
        sending = Sending()
        servers = self._servers_for(mail).with_context(**{Sending.KEY: sending})
        bounce = mail.record_alias_domain_id.bounce_email or mail.env.company.bounce_email
        try:
            message = servers._build_email__(
                mail._author(),
                servers._get_test_email_to(),
                "",
                "",
                reply_to=mail.reply_to,
                headers={"Return-Path": bounce} if bounce else {},
            )
            servers._prepare_email_message__(message, SimpleNamespace(from_filter=selection.from_filter))
        except (AssertionError, LookupError, ValueError):  # core refuses the message, or Python refuses its addresses
            return None
        return sending.take_sent_as()

    # ------------------------------------------------------------------ the answer

    def _answer(self, mail, selection, sent_as):
        servers = self._servers_for(mail)
        server = servers.browse(selection.server.id if selection.server else False)
        return {
            "server_name": server.name or self.env._("Settings of odoo-bin"),
            "step": servers._step_message(selection),
            "without_filter": "" if filter_entries(selection.from_filter) else servers._no_filter_message(),
            "from_after": sent_as and sent_as.header_from,
            "return_path": sent_as and sent_as.return_path,
            "reply_to": sent_as and sent_as.reply_to,
            "default_from": servers._default_from(),
            "uses_odoo_bin": not server,
            "odoo_bin_filter": servers._get_default_from_filter(),
            "warnings": "\n".join(self._warnings(servers, selection, sent_as)),
            "remarks": "\n".join(self._remarks(mail, selection, sent_as)),
        }

    def _warnings(self, servers, selection, sent_as):
        """Yield a sentence for each problem."""
        if self.record and not self._readable_record():
            yield self.env._("You may not read this record, or it no longer exists, so the answer ignores it.")
        if self._author() and not author_address(self._author()):
            yield self.env._("“%s” contains no valid e-mail address.", self._author())
        if not sent_as:
            yield self.env._("Sending a message with this From would fail. Enter a From such as mary@mycompany.com.")
        elif not filter_matches(sent_as.header_from, selection.from_filter):
            yield self.env._(
                "The filter of this server (%s) does not match the From of the e-mail, so the mail server may refuse it, "
                "or recipients may treat it as forged.",
                selection.from_filter,
            )
        if not servers._default_from():
            yield self.env._(
                "There is no default From to replace authors whom a filter does not match. Give the company an alias "
                "domain with a default From."
            )

    def _remarks(self, mail, selection, sent_as):
        """Yield a sentence for each further fact that is useful to know."""
        if not self._author() and sent_as:
            yield self.env._(
                "The default From replaces an empty From, for example of a user without an e-mail address."
            )
        if len(email_split_and_format_normalize(self._author())) > 1:
            yield self.env._("The first of several addresses applies: %s", mail._author())
        if self.named_server and selection.step is not Step.FORCED:
            yield from self._remarks_about_named_server(selection)
        if mail.env.company != self.company_id:
            yield self.env._("The company of the record applies: %s", mail.env.company.name)
        bounce = mail.record_alias_domain_id.bounce_email or mail.env.company.bounce_email
        if sent_as and bounce and author_address(bounce) != author_address(sent_as.return_path):
            yield self.env._(
                "The filter does not match the bounce address %(bounce)s, so messages that can't be delivered return to "
                "%(return_path)s.",
                bounce=bounce,
                return_path=sent_as.return_path,
            )
        yield from self._remarks_about_personal_servers(selection)

    def _remarks_about_named_server(self, selection):
        for passed_over in selection.passed_over:
            if str(passed_over.server.id) == self.named_server:
                reason = self.env["ir.mail_server"]._passed_over_message(passed_over)
                yield self.env._(
                    "The specified server “%(server)s” is not used: %(reason)s",
                    server=passed_over.server.name,
                    reason=reason,
                )

    def _remarks_about_personal_servers(self, selection):
        """Yield sentences about what would apply if a user with a personal server wrote the message."""
        address = author_address(self._author())
        for passed_over in selection.passed_over:
            server = self.env["ir.mail_server"].sudo().browse(passed_over.server.id)
            if server.active and address and address == author_address(passed_over.server.owner):
                yield self._personal_server_message(server)

    def _personal_server_message(self, server):
        by_owner = self._select_for(self._as_mail(writer=server.owner_user_id))
        names = {"owner": server.owner_user_id.name, "server": server.name}
        if by_owner.server and by_owner.server.id == server.id:
            return self.env._("If %(owner)s writes it, their personal server sends it: “%(server)s”.", **names)
        return self.env._(
            "“%(server)s” belongs to %(owner)s, but would not send this message even if %(owner)s wrote it: its filter "
            "does not match their address, its traffic differs, or personal mail servers are switched off.",
            **names,
        )

    def _lines(self, selection):
        """Yield the values of a line for each server, in the order of the search."""
        passed_over = {over.server.id: over for over in selection.passed_over}
        chosen = [selection.server.id] if selection.server else []
        servers = self.env["ir.mail_server"].sudo().browse([*chosen, *passed_over])
        for server in servers.sorted(lambda server: (server.sequence, server.id)):
            over = passed_over.get(server.id)
            yield {
                "name": server.name,
                "owner": server.owner_user_id.name,
                "priority": server.sequence,
                "from_filter": server.from_filter,
                "traffic": server.traffic,
                "is_chosen": not over,
                "reason": server._passed_over_message(over) if over else server._step_message(selection),
            }


class MailOutgoingExplainLine(models.TransientModel):
    """A server in the answer: selected, or the reason why not."""

    _name = "mail.outgoing.explain.line"
    _description = "Server of an Explained Outgoing Message"

    explain_id = fields.Many2one("mail.outgoing.explain", ondelete="cascade")
    name = fields.Char("Server")
    owner = fields.Char()
    priority = fields.Integer()
    from_filter = fields.Text("FROM Filtering")  # a text, since lists show it in full
    traffic = fields.Selection([("any", "Any"), ("transactional", "Transactional Only"), ("mass", "Mass Only")])
    is_chosen = fields.Boolean("Selected")
    reason = fields.Text()
