from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_normalize

from ..tools.addresses import filter_matches
from ..tools.sending import Sending, SentAs
from ..tools.server_selection import (
    ANY_TRAFFIC,
    OutgoingServer,
    Selection,
    Step,
    Traffic,
    bounce_address,
    header_from,
    select,
)

TRAFFIC_KEY = "mail_gateway_traffic"


class IrMail_Server(models.Model):
    """Chooses servers in the documented order; the choice itself is made in tools/server_selection.py."""

    _inherit = "ir.mail_server"

    from_filter_problem = fields.Char(compute="_compute_from_filter_problem")

    # ------------------------------------------------------------------ filters

    @api.depends("from_filter")
    def _compute_from_filter_problem(self):
        for server in self:
            server.from_filter_problem = server._words_for_bad_entries()

    @api.constrains("from_filter")
    def _check_from_filter(self):
        for server in self:
            if problem := server._words_for_bad_entries():
                raise ValidationError(problem)

    @api.model
    def _match_from_filter(self, email_from, from_filter):
        """Replaces core's method: comparing knows IDNA, and what is malformed never matches."""
        return filter_matches(email_from or "", from_filter)

    # ------------------------------------------------------------------ choosing

    def _find_mail_server(self, email_from, mail_servers=None):
        """Replaces core's method: the documented order, in which a server without a filter comes before the server of
        the default From; and the kind of mail that a server carries counts.

        `_filter_mail_servers_fallback` is not asked: that personal servers serve nobody else is part of the choice.
        """
        if mail_servers is None:
            mail_servers = self.sudo().search(self._find_mail_server_allowed_domain(), order="sequence, id")
        return self._chosen(self._select_server(email_from, mail_servers))

    def _chosen(self, selection):
        """Note a choice, and put it as core's `_find_mail_server` returns it."""
        if sending := Sending.of(self.env.context):
            sending.chose(selection, self._default_from())
        server = self.sudo().browse(selection.server.id) if selection.server else None
        return server, email_normalize(self._default_from()) if selection.is_encapsulated else selection.author

    def _select_server(self, email_from, offered, others=(), forced=None):
        """Choose the server and the From for a message.

        The context may name the default From (core's `domain_notifications_email`) and the kind of mail.

        :param str email_from: its From
        :param offered: the servers that its sender may use, by priority
        :param others: further servers, which are only to be explained
        :param forced: the server that the message names
        :rtype: mail_gateway.tools.server_selection.Selection
        """
        servers = sorted([*offered.sudo(), *others], key=lambda server: (server.sequence, server.id))
        return select(
            email_from or "",
            [server._as_plain_values(server.id in offered._ids) for server in servers],
            self._default_from(),
            odoo_bin_filter=self._get_default_from_filter() or "",
            traffic=self._traffic_in_context(),
            forced_id=forced.id if forced else None,
        )

    def _selection_of(self, email_from):
        """The selection for a message that leaves through this very server, or by odoo-bin's settings if it is none."""
        from_filter = (self.from_filter if self else self._get_default_from_filter()) or ""
        return Selection(
            self._as_plain_values(True) if self else None,
            Step.FORCED if self else Step.ODOO_BIN,
            email_from or "",
            header_from(email_from, from_filter, self._default_from()),
            from_filter,
        )

    def _as_plain_values(self, offered):
        owner = self.owner_user_id
        return OutgoingServer(
            id=self.id,
            from_filter=self.from_filter or "",
            active=self.active,
            traffic=self.traffic or ANY_TRAFFIC,
            owner=(owner.email or "") if owner else None,
            offered=offered,
            name=self.name or "",
        )

    def _default_from(self):
        """The complete address that stands in for an author's: that of the alias domain at hand, be it none, else that
        of the company.
        """
        of_domain = self.env.context.get("domain_notifications_email")
        return (self._get_default_from_address() if of_domain is None else of_domain) or ""

    def _traffic_in_context(self):
        is_mass = self.env.context.get(TRAFFIC_KEY) == Traffic.MASS
        return Traffic.MASS if is_mass else Traffic.TRANSACTIONAL

    @api.model
    def _get_default_from_address(self):
        """Extends core's method: a company without an alias domain uses what the system parameters say."""
        return self._address_of_parameters("mail.default.from") or super()._get_default_from_address()

    @api.model
    def _get_default_bounce_address(self):
        """Extends core's method: the same."""
        return self._address_of_parameters("mail.bounce.alias") or super()._get_default_bounce_address()

    def _address_of_parameters(self, key):
        if self.env.company.alias_domain_id:
            return ""
        read = self.env["ir.config_parameter"].sudo()._get_mail_parameter
        address, domain = read(key), read("mail.catchall.domain")
        if "@" in address or not address:
            return address
        return f"{address}@{domain}" if domain else ""

    @api.model
    def _get_default_from_filter(self):
        """Replaces core's method: malformed entries that are in the database already are left out, and logged once."""
        return self.env["ir.config_parameter"].sudo()._get_mail_parameter("mail.default.from_filter")

    # ------------------------------------------------------------------ rewriting the From

    def _prepare_email_message__(self, message, smtp_session):  # noqa: PLW3201 core's name
        """Extends core's method: the filter of the session that sends decides about the From, whoever opened it.

        Core puts the default From in place when the session asks for it, which it does only if the session was opened
        for a message whose server was looked for; a server that a message names would spoof the author.
        """
        servers, author = self, str(message["From"] or "")
        if hasattr(smtp_session, "from_filter"):
            if author:
                smtp_session.smtp_from = self._smtp_from(author, smtp_session.from_filter)
            servers = self._with_bounce_address(message, smtp_session.from_filter)
        prepared = super(IrMail_Server, servers)._prepare_email_message__(message, smtp_session)
        if sending := Sending.of(self.env.context):
            sending.sent_as = SentAs(author, str(message["From"]), prepared[0], str(message["Reply-To"] or ""))
        return prepared

    def _with_bounce_address(self, message, from_filter):
        """The environment in which core sets the Return-Path: with a bounce address that the filter lets pass."""
        own = self.env.context.get("domain_bounce_address") or message["Return-Path"] or self._get_default_bounce_address()
        address = bounce_address(own, self.env["mail.alias.domain"]._bounce_addresses(), from_filter)
        return self.with_context(domain_bounce_address=address) if address else self

    def _smtp_from(self, author, from_filter):
        """What core takes as the wish of a session: the author, or the default From to put in place."""
        default_from = self._default_from()
        if header_from(author, from_filter, default_from) == author:
            return author
        return email_normalize(default_from)
