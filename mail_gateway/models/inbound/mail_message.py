"""Authors of chatter messages: they are stored on one line."""

from odoo import api, models

from ...tools.headers.display_names import clean_author, is_one_line


class MailMessage(models.Model):
    """Prevents authors whose name contains a carriage return from impersonating others.

    Core parses the author again when it sends a message. Its parser ends a quoted name at a carriage return, and takes
    the rest for the address: a portal user with such a name could write as anybody.
    """

    _inherit = "mail.message"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: puts the author on one line."""
        for vals in vals_list:
            self._clean_author(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Extends core's method: puts the author on one line."""
        return super().write(self._clean_author(dict(vals)))

    @api.model
    def _clean_author(self, vals):
        author = vals.get("email_from")
        if isinstance(author, str) and not is_one_line(author):
            vals["email_from"] = clean_author(author)
        return vals
