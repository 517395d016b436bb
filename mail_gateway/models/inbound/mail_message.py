"""Authors of chatter messages whose names fit into a header."""

from odoo import api, models

from ...tools.headers.display_names import clean_author, is_one_line


class MailMessage(models.Model):
    """Keeps authors whose name contains a carriage return from passing for another author.

    Core reads the author anew when a message is sent. What it reads with ends a quoted name at a carriage return, and
    takes what follows for the address: a portal user who is called so would write as anybody.
    """

    _inherit = "mail.message"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: the author stands on one line."""
        for vals in vals_list:
            self._clean_author(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Extends core's method: the same."""
        return super().write(self._clean_author(dict(vals)))

    @api.model
    def _clean_author(self, vals):
        author = vals.get("email_from")
        if isinstance(author, str) and not is_one_line(author):
            vals["email_from"] = clean_author(author)
        return vals
