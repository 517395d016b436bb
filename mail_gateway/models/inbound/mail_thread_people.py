"""How Odoo reads the authors, recipients and threads of messages."""

from email.message import EmailMessage

from odoo import api, models

from ...tools.delivery import Delivery
from ...tools.headers.address_list import read_addresses
from ...tools.headers.addresses import author_address, domain_of, normalize_address, normalize_domain
from ...tools.headers.mailing_lists import author_of, from_of, is_rewritten, same_domain
from ...tools.headers.message_ids import nearest_first, referred_ids
from ...tools.headers.recipients import joined, raw_values, recipients_in, recipients_of, with_headers
from ...tools.headers.stored_headers import message_id_of
from ...tools.source_values import sender_of
from ...tools.trace import Redirected


class MailThread(models.AbstractModel):
    """Has core read the author, the recipients and the thread of a message correctly.

    Core parses decoded headers, in which a name may look like an address. Therefore it gets the same message with
    unambiguous headers. It then finds senders, recipients, bounces, the catchall and threads without any correction.
    """

    _inherit = "mail.thread"

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: it gets a message with unambiguous From, recipients and references."""
        if not isinstance(message, EmailMessage):
            return super().message_parse(message, save_original=save_original)
        read = with_headers(message, {**self._headers_as_meant(message), **self._recipients_as_meant(message)})
        read.as_it_came = message
        return super().message_parse(read, save_original=save_original)

    def _message_parse_extract_payload(self, message, message_dict, save_original=False):
        """Extends core's method: it gets the headers that the message came with, to store them in the original."""
        original = getattr(message, "as_it_came", message)
        return super()._message_parse_extract_payload(original, message_dict, save_original=save_original)

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        """Extends core's method, which sends the notice to everything in the decoded Return-Path headers.

        The notice goes to the address of the topmost Return-Path, which the last server added. The null sender stays as it
        is, for the check whether the sender may get a notice.
        """
        path = next(iter(raw_values(message)("Return-Path")), "")
        if path.strip(" \t\r\n<>"):
            found = read_addresses(path)
            message = with_headers(message, {"Return-Path": found[0].address if found else ""})
        return super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)

    # ------------------------------------------------------------------ author and references

    def _headers_as_meant(self, message):
        """Return the headers of the author and the references."""
        get_all = raw_values(message)
        author = self._author_of(get_all)
        return {
            "From": joined([author]) if author.address else author.name,
            "In-Reply-To": " ".join(referred_ids(" ".join(get_all("In-Reply-To")))),
            "References": " ".join(referred_ids(" ".join(get_all("References")))),
            # removed if it contains no id: core then generates one
            **({} if message_id_of(message) else {"Message-Id": ""}),
        }

    def _author_of(self, get_all):
        """Return the author, even of mail through a mailing list; but an invented list can't name one of our users.

        Servers verify only the domain of From (DMARC). Therefore Odoo believes a list only about authors in the list's own
        domain, and about people who have no rights in Odoo.
        """
        author, in_from = author_of(get_all), from_of(get_all)
        if not is_rewritten(get_all) or same_domain(author.address, in_from.address):
            return author
        if not self._is_of_ours(author.address):
            return author
        delivery = Delivery.of(self.env.context)
        if delivery and delivery.request.inbound_id:
            # the stored author was read without looking for our users
            inbound = self.env["mail.inbound.message"].sudo().browse(delivery.request.inbound_id)
            inbound._correct({"email_from": str(in_from), "sender": sender_of(str(in_from)) or False})
        return in_from

    def _is_of_ours(self, address):
        """Whether an address belongs to a user or to one of our domains."""
        normal = author_address(address)
        domains = {normalize_domain(domain.name) for domain in self.env["mail.former.address"].sudo()._alias_domains()}
        if domain_of(normal) in domains:
            return True
        spellings = list({normal, address.lower()})
        users = self.env["res.users"].sudo().with_context(active_test=False)
        return bool(
            users.search_count(
                ["|", ("partner_id.email_normalized", "in", spellings), ("login", "=ilike", normal)], limit=1
            )
        )

    # ------------------------------------------------------------------ recipients

    def _recipients_as_meant(self, message):
        """Return the headers of the recipients: our addresses as they are stored, former addresses as their targets."""
        delivery = Delivery.of(self.env.context)
        # The substitute for a broken message may lack some of too many recipients, so they are read from the source. But
        # only the substitute names those that follow an endless head.
        named = recipients_in(delivery.trace.source) if delivery and delivery.trace.defects else None
        if not (named and named.all):
            named = recipients_of(message)
        former = self.env["mail.former.address"].sudo()
        found = former._reach({normalize_address(mailbox.address) for mailbox in named.all} - {None})
        written = {name: self._reached(mailboxes, found) for name, mailboxes in named.written.items()}
        counts_transport = named.counts_transport(found)
        transport = [each for each in named.transport if normalize_address(each.address) in found]
        counted = [
            *(each for boxes in named.written.values() for each in boxes),
            *(transport if counts_transport else ()),
        ]
        if delivery:
            addresses = dict.fromkeys(normalize_address(mailbox.address) for mailbox in counted)
            redirects = (found[address].redirect for address in addresses if address in found)
            delivery.trace.add(Redirected(tuple(filter(None, redirects))))
        headers = {name: joined(mailboxes) for name, mailboxes in written.items()}
        return {**headers, "Delivered-To": joined(self._reached(transport, found)) if counts_transport else ""}

    def _reached(self, mailboxes, found):
        """Yield the mailboxes with the addresses that they reach."""
        for mailbox in mailboxes:
            reached = found.get(normalize_address(mailbox.address))
            yield mailbox._replace(address=reached.to) if reached and reached.to else mailbox

    # ------------------------------------------------------------------ thread

    def _get_parent_message(self, msg_dict):
        """Replaces core's method, which takes the newest message that References names.

        This one takes the nearest message: In-Reply-To comes first, then References from their end. Messages whose record
        was deleted count only if there is no other.
        """
        ids = nearest_first(msg_dict["in_reply_to"] or "", msg_dict["references"] or "")
        if not ids:
            return None
        nearness = {message_id: number for number, message_id in enumerate(ids)}
        known = self.env["mail.message"].search([("message_id", "in", ids)], order="id DESC", limit=4 * len(ids))
        known = known.sorted(lambda message: nearness[message.message_id])
        return next(filter(self._has_record, known), known[:1]) or None

    @staticmethod
    def _has_record(message):
        if not message.model or not message.res_id or message.model not in message.env:
            return False
        return bool(message.env[message.model].browse(message.res_id).sudo().exists())

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Extends core's method, which uses In-Reply-To only without References, and then takes the newest message.

        Here it finds the message that :meth:`_get_parent_message` found.
        """
        parent = self.env["mail.message"].sudo().browse(message_dict.get("parent_id")).exists()
        if not parent.message_id:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        kept = {key: message_dict[key] for key in ("references", "in_reply_to")}
        message_dict.update(references=parent.message_id, in_reply_to="")
        try:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        finally:
            message_dict.update(kept)
