"""Copies of a message, and other messages with the same Message-Id."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext

from ...tools.classify.fingerprint import identity
from ...tools.headers.address_list import read_addresses
from ...tools.headers.addresses import author_address, domain_of, normalize_address, normalize_domain
from ...tools.headers.message_head import HEADER_BYTES
from ...tools.headers.recipients import recipients_in
from ...tools.tolerant_parsing.attached_source import source_of
from ...tools.tolerant_parsing.substitute import ORIGINAL
from ...tools.trace import Identified

# Attached files that contain the whole message; its headers differ between copies that arrived by different ways.
_SOURCES = (ORIGINAL, "original_email.eml")
_COMPARED_CHARS = 1000


class MailInboundMessage(models.Model):
    """Recognizes copies of a message, such as one from another mailbox, and messages with only the same Message-Id.

    Scanners and devices send different messages with one id, and an attacker may reuse an id that they know. Therefore a
    copy must have the same sender, subject, text and files as well.
    """

    _inherit = "mail.inbound.message"

    identity = fields.Char(readonly=True, help="The same for all copies of one message.")

    _identity_index = models.Index("(message_id, identity) WHERE message_id IS NOT NULL")

    @api.model
    def _identify(self, request, values) -> Identified:
        """Find out whether the message was processed before, and under which id the chatter will store it.

        A message with the id of a different one gets an id of its own there. Otherwise, replies to the other message would
        find it.

        :param request: :class:`~...tools.delivery.DeliveryRequest`
        :param dict values: core's dictionary of the message
        """
        message_id = values["message_id"]
        found = Identified(message_id, message_id, self._identity_of(values))
        messages = self.env["mail.message"].sudo()
        known = messages.search([("message_id", "=", message_id)])
        if known and not any(self._is_message_of(found, message, values) for message in known):
            found = found._replace(stored_id=f"<{found.identity[:40]}@another.invalid>")
            known = messages.search([("message_id", "=", found.stored_id)])
        copies = self._earlier_copies(request, found, values)
        return found._replace(known_ids=known._ids, copy_ids=copies._ids)

    @api.model
    def _identity_of(self, values):
        files = [(name, content) for name, content, *_rest in values.get("attachments", ()) if name not in _SOURCES]
        files = [(name, content if isinstance(content, bytes | str) else source_of(content)) for name, content in files]
        return identity(values["email_from"], values.get("subject") or "", values.get("body") or "", files)

    @api.model
    def _earlier_copies(self, request, found, values):
        """Return copies that Odoo has processed: their record exists, or their sender was notified.

        Bounces and refused messages leave no chatter message. If a program hands over one of these again, Odoo processes
        it again, as its own gateway does. A call that ended in an error was never processed.
        """
        copies = Domain("message_id", "=", found.message_id) & Domain("id", "!=", request.inbound_id)
        fetched = Domain("transport", "!=", "call")
        done = Domain("state", "=", "delivered") & (fetched | Domain("mail_message_ids", "!=", False))
        refused = Domain("state", "=", "rejected") & Domain("told_date", "!=", False) & fetched
        same = Domain("identity", "=", found.identity) | Domain("identity", "=", False)
        earlier = self.search(copies & same & (done | refused), order="id", limit=20)
        return earlier.filtered(lambda copy: copy._is_copy_of(found, values))

    def _is_copy_of(self, found, values):
        """Whether a stored message is the same; without an identity (earlier versions), its sender and subject decide."""
        if self.identity:
            return self.identity == found.identity
        return author_address(self.email_from) == author_address(values["email_from"]) and self._same_subject(
            self.subject, values.get("subject")
        )

    @api.model
    def _is_message_of(self, found, message, values):
        """Whether a chatter message with the same Message-Id is of the same message."""
        stored = self.search([("mail_message_ids", "in", message.ids)], order="id", limit=20)
        if stored:
            return any(each._is_copy_of(found, values) for each in stored)
        # it came in before this addon was installed, or Odoo sent it
        sender = author_address(values["email_from"])
        is_sender = sender == author_address(message.email_from)
        if message.message_type == "email":
            same_text = self._letters(values.get("body")) == self._letters(message.body)
            return is_sender and same_text and self._same_subject(message.subject, values.get("subject"))
        # Only Odoo generates such an id. The text is not compared, so that a server that changes it can't cause a loop.
        domains = self.env["mail.former.address"].sudo()._alias_domains()
        return is_sender or domain_of(sender) in {normalize_domain(domain.name) for domain in domains}

    @staticmethod
    def _same_subject(one, other):
        return (
            " ".join((one or "").split())[: _COMPARED_CHARS - 100]
            == " ".join((other or "").split())[: _COMPARED_CHARS - 100]
        )

    @staticmethod
    def _letters(body):
        """Return the beginning of a text without spaces and punctuation, because sanitizing changes these."""
        text = html2plaintext((body or "")[: 50 * _COMPARED_CHARS], include_references=False)
        return "".join(filter(str.isalnum, text))[:_COMPARED_CHARS]

    def _correct(self, values):
        """Correct what was read in the headers, and update the searched text.

        :param dict values: of fields that otherwise never change
        """
        self.write(values)
        searched = self.env["mail.inbound.search"].sudo().search([("inbound_message_id", "in", self.ids)])
        for row in searched:
            row.text = row.inbound_message_id.search_text

    # ------------------------------------------------------------------ the aliases that copies named

    def _aliases_named(self):
        """Return the aliases that these messages were sent to."""
        return self.env["mail.alias"]._named_by(
            [normalize_address(reached.to) for each in self for reached in each._reached().values() if reached.to]
        )

    def _reached(self):
        """Return what the message reached, by address; without a source, what its list of recipients would reach."""
        former = self.env["mail.former.address"].sudo()
        head = self._source_bytes(HEADER_BYTES)
        if not head:
            return former._reach(_normalized(read_addresses(self.recipients or "")))
        named = recipients_in(head)
        written = former._reach(_normalized(mailbox for boxes in named.written.values() for mailbox in boxes))
        return written or former._reach(_normalized(named.transport))

    @api.model
    def _aliases_among(self, recipients):
        """Return the aliases among the recipients of core's dictionary, which names the targets of former addresses."""
        return self.env["mail.alias"]._named_by(_normalized(read_addresses(recipients or "")))


def _normalized(mailboxes):
    return {normalize_address(mailbox.address) for mailbox in mailboxes} - {None}
