from odoo import models

# RFC 3834, section 5. What people write, and what customers wrote that is relayed, is none of it; neither is what says
# so itself, as core's out-of-office messages do.
AUTO_SUBMITTED = {
    "auto_comment": "auto-replied",  # acknowledgements, and what a stage has customers told
    "notification": "auto-generated",  # changes that followers are told of
    "user_notification": "auto-generated",  # assignments, invitations, activities
}


class MailMail(models.Model):
    """Says of each message that leaves whether a program wrote it, and which of ours it is."""

    _inherit = "mail.mail"

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Extends core's method: further headers, unless the message has them already.

        They are written here, and not when the e-mail is created, so that mail that waits in the queue has them too.
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
        """What RFC 3834 has a program say of the message; None when a person wrote it.

        Digests have the type of templates that people send, but ask for no vacation notices. So do lists and mailings;
        these state their precedence.

        :param present: names of the message's headers, in lower case
        """
        if "x-auto-response-suppress" in present and "precedence" not in present:
            return "auto-generated"
        return AUTO_SUBMITTED.get(self.message_type)
