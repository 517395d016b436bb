"""Outgoing mail servers: which one sends a message, and under which From."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_normalize

from ...tools.headers.addresses import filter_entries, filter_matches
from ...tools.headers.display_names import clean_author, clean_recipients
from ...tools.sending_log import Sending, SentAs
from ...tools.server_selection import (
    ANY_TRAFFIC,
    OutgoingServer,
    Selection,
    Step,
    Traffic,
    author_passes,
    bounce_address,
    header_from,
    select,
    standing_in,
)

TRAFFIC_KEY = "mail_gateway_traffic"


class IrMail_Server(models.Model):
    """Selects servers in the documented order; tools/server_selection.py makes the decision."""

    _inherit = "ir.mail_server"

    from_filter_problem = fields.Char(compute="_compute_from_filter_problem")
    without_filter = fields.Char(
        "Default Filtering",
        compute="_compute_without_filter",
        help="Which authors keep their own address while FROM Filtering is empty.",
    )

    # ------------------------------------------------------------------ filters

    @api.depends("from_filter")
    def _compute_from_filter_problem(self):
        for server in self:
            server.from_filter_problem = server._bad_entries_message()

    @api.depends("from_filter", "owner_user_id")
    def _compute_without_filter(self):
        """Leave it empty for a server with a filter, and for a personal one, which sends nothing without a filter."""
        for server in self:
            applies = not filter_entries(server.from_filter) and not server.owner_user_id
            server.without_filter = applies and server._no_filter_message()

    @api.constrains("from_filter")
    def _check_from_filter(self):
        for server in self:
            if problem := server._bad_entries_message():
                raise ValidationError(problem)

    @api.model
    def _match_from_filter(self, email_from, from_filter):
        """Replaces core's method: it compares domains by IDNA, and malformed values never match.

        When it is called on a server for an author, as by Email Marketing, the alias domains replace a missing filter.
        When it is called on no server, as by core for bounce addresses, a missing filter lets everything pass.
        """
        if self:
            return author_passes(email_from or "", from_filter, self._alias_domains())
        return filter_matches(email_from or "", from_filter)

    def _alias_domains(self):
        """Return the alias domains of all companies, which replace a missing filter. Cached."""
        return self.env["mail.alias.domain"]._names_of_all()

    # ------------------------------------------------------------------ selecting

    def _find_mail_server(self, email_from, mail_servers=None):
        """Replaces core's method: it follows the documented order, and the traffic of servers.

        In that order a server without a filter comes before the server of the default From.
        `_filter_mail_servers_fallback` is not called, since the selection itself keeps personal servers for their
        owners.

        Core's `_connect__` asks once more for messages that no server may send; they are not selected for again.
        """
        sending = Sending.of(self.env.context)
        if mail_servers is None:
            if sending and sending.take_by_odoo_bin():
                return None, email_from
            mail_servers = self.sudo().search(self._find_mail_server_allowed_domain(), order="sequence, id")
        selection = self._select_server(email_from, mail_servers)
        if sending:
            sending.select(mail_servers, selection)
        return self._as_core_returns_it(selection)

    def _as_core_returns_it(self, selection):
        """Return a selection as core's `_find_mail_server` does.

        :return: (server or None, From of the SMTP session)
        """
        server = self.sudo().browse(selection.server.id) if selection.server else None
        return server, email_normalize(self._default_from()) if selection.is_encapsulated else selection.author

    def _select_server(self, email_from, offered, others=(), forced=None):
        """Select the server and the From for a message.

        The context may contain the default From (core's `domain_notifications_email`) and the traffic.

        :param str email_from: the From of the message
        :param offered: the servers that its sender may use, by priority
        :param others: further servers, which are only explained
        :param forced: the server that the message specifies
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
            alias_domains=self._alias_domains(),
        )

    def _selection_of(self, email_from):
        """Return the selection for a message that specifies this server; for an empty recordset, odoo-bin's settings."""
        from_filter = (self.from_filter if self else self._get_default_from_filter()) or ""
        return Selection(
            self._as_plain_values(True) if self else None,
            Step.FORCED if self else Step.ODOO_BIN,
            email_from or "",
            header_from(email_from, from_filter, self._default_from(), self._alias_domains()),
            from_filter,
            alias_domains=standing_in(from_filter, self._alias_domains()),
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
        """Return the complete address that replaces an author's: the alias domain's in the context, which may be empty,
        otherwise the company's.
        """
        of_domain = self.env.context.get("domain_notifications_email")
        return (self._get_default_from_address() if of_domain is None else of_domain) or ""

    def _traffic_in_context(self):
        is_mass = self.env.context.get(TRAFFIC_KEY) == Traffic.MASS
        return Traffic.MASS if is_mass else Traffic.TRANSACTIONAL

    @api.model
    def _get_default_from_address(self):
        """Extends core's method: a company without an alias domain uses the system parameters."""
        return self._address_of_parameters("mail.default.from") or super()._get_default_from_address()

    @api.model
    def _get_default_bounce_address(self):
        """Extends core's method: a company without an alias domain uses the system parameters."""
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
        """Replaces core's method: malformed entries that are already in the database are left out, and logged once."""
        return self.env["ir.config_parameter"].sudo()._get_mail_parameter("mail.default.from_filter")

    # ------------------------------------------------------------------ rewriting the From

    def _build_email__(self, email_from, email_to, subject, body, **kwargs):  # noqa: PLW3201 core's name
        """Extends core's method: no display name can break a header, add one, or take minutes to encode.

        A line feed in an author's name would make the message fail; in a recipient's name it would begin a new header.
        """
        for name in kwargs.keys() & {"email_cc", "email_bcc", "reply_to"}:
            kwargs[name] = clean_recipients(kwargs[name])
        author = clean_author(email_from) if email_from else email_from
        return super()._build_email__(author, clean_recipients(email_to), subject, body, **kwargs)

    def _prepare_email_message__(self, message, smtp_session):  # noqa: PLW3201 core's name
        """Extends core's method: the filter of the session that sends decides about the From.

        Core replaces the From only in a session that was opened for a selected server; with a server that the message
        specifies, it would send under the author's address without permission. It also keeps a display name that
        contains the author's address. So the From is replaced before core checks it, and the session has the same From.
        """
        servers, author = self, str(message["From"] or "")
        if hasattr(smtp_session, "from_filter"):
            sent_from = self._put_from(message, smtp_session.from_filter)
            if author:
                smtp_session.smtp_from = sent_from
            servers = self._with_bounce_address(message, smtp_session.from_filter, sent_from != author)
        prepared = super(IrMail_Server, servers.browse())._prepare_email_message__(message, smtp_session)
        if sending := Sending.of(self.env.context):
            sending.sent_as = SentAs(author, str(message["From"]), prepared[0], str(message["Reply-To"] or ""))
        return prepared

    def _put_from(self, message, from_filter):
        """Replace the From of a message by the one under which it is sent.

        :return: that From; empty for a message without an author, which core refuses
        """
        author = str(message["From"] or "")
        sent_from = author and header_from(author, from_filter, self._default_from(), self._alias_domains())
        if sent_from != author:
            message.replace_header("From", sent_from)
        return sent_from

    def _with_bounce_address(self, message, from_filter, is_encapsulated):
        """Return servers whose context has a bounce address that the filter lets pass; core makes it the Return-Path.

        Without one, core would use the author's address, even when the message is sent under another From.
        """
        own = (
            self.env.context.get("domain_bounce_address")
            or message["Return-Path"]
            or self._get_default_bounce_address()
        )
        address = bounce_address(own, self.env["mail.alias.domain"]._bounce_addresses(), from_filter)
        if not address and is_encapsulated:
            address = email_normalize(self._default_from())
        return self.with_context(domain_bounce_address=address) if address else self
