"""Outgoing messages: their traffic, and the headers that say who wrote them."""

import ast

from odoo import api, fields, models

from ...tools.server_selection import Traffic

# RFC 3834, section 5. Messages that people write, and relayed messages of customers, have no entry. Nor have messages
# that set the header themselves, such as core's out-of-office messages.
AUTO_SUBMITTED = {
    "auto_comment": "auto-replied",  # acknowledgements, and notifications of customers about a stage
    "notification": "auto-generated",  # notifications of followers about changes
    "user_notification": "auto-generated",  # assignments, invitations, activities
}


def _says_bulk(headers):
    """Return whether further headers contain `Precedence: bulk`.

    Core keeps them as the text of a dictionary; it does not send headers that it can't read.
    """
    try:
        further = dict(headers if isinstance(headers, dict) else ast.literal_eval(headers or "{}"))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return any(str(name).lower() == "precedence" and str(text).lower() == "bulk" for name, text in further.items())


class MailMail(models.Model):
    """Classifies e-mails as mass or transactional, and adds headers that say who wrote them."""

    _inherit = "mail.mail"

    traffic = fields.Selection([("transactional", "Transactional"), ("mass", "Mass")], readonly=True, copy=True)

    # ------------------------------------------------------------------ traffic

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: stores the traffic of new e-mails."""
        for vals in vals_list:
            vals["traffic"] = self._traffic_of(vals).value
        return super().create(vals_list)

    @api.model
    def _traffic_of(self, vals):
        """Return the traffic of an e-mail; no other method decides that.

        Mass mail is: mailings of Email Marketing, e-mails of the composer to many records at once (which the composer
        marks itself), and e-mails with `Precedence: bulk`. All others are transactional.

        :param dict vals: values of a mail.mail
        """
        is_mass = vals.get("traffic") == Traffic.MASS or vals.get("mailing_id") or _says_bulk(vals.get("headers"))
        return Traffic.MASS if is_mass else Traffic.TRANSACTIONAL

    def _traffic(self):
        """Return the traffic, also of e-mails that were queued before the addon was installed."""
        self.ensure_one()
        if self.traffic:
            return Traffic(self.traffic)
        return self._traffic_of(
            {"headers": self.headers, "mailing_id": "mailing_id" in self._fields and self.mailing_id}
        )

    # ------------------------------------------------------------------ headers

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Extends core's method: it adds further headers, unless the message has them already.

        They are added here, and not when the e-mail is created, so that e-mails that wait in the queue get them, too.
        """
        emails = super()._prepare_outgoing_list(mail_server=mail_server, doc_to_followers=doc_to_followers)
        for email in emails:
            headers = email["headers"]
            present = {str(name).lower() for name in headers}
            further = {"Auto-Submitted": self._auto_submitted(present), "X-Odoo-Message-Id": self.message_id}
            email["headers"] = headers | {
                name: value for name, value in further.items() if value and name.lower() not in present
            }
        return emails

    def _auto_submitted(self, present):
        """Return the value of Auto-Submitted (RFC 3834); None when a person wrote the message.

        Digests have the message type of templates that people send, but they ask for no vacation notices. Lists and
        mailings do so, too, but they state their precedence.

        :param set present: names of the headers that the message has, in lower case
        """
        if "x-auto-response-suppress" in present and "precedence" not in present:
            return "auto-generated"
        return AUTO_SUBMITTED.get(self.message_type)
