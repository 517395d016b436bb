"""Properties of any message, not only of those in tests/data."""

import email
import email.policy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.text.charsets import CONTROLS, to_text
from odoo.addons.mail_gateway.tools.tolerant_parsing.check import find_defects
from odoo.addons.mail_gateway.tools.tolerant_parsing.file_names import is_hostile, safe_name
from odoo.addons.mail_gateway.tools.tolerant_parsing.readable import make_readable

# derandomize: a failure on one machine also occurs on all others
properties = settings(
    max_examples=rounds(150),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # the machine determines how fast hypothesis draws examples
)

NAMES = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Message-Id",
    "References",
    "Date",
    "Content-Type",
    "Content-Disposition",
    "X-A",
)
NAMES += ("Content-Transfer-Encoding", "Delivered-To", "Reply-To", "Mime-Version", "Content-Id", "In-Reply-To")
KINDS = (
    "text/plain",
    "text/html",
    "multipart/mixed; boundary=b",
    "message/rfc822",
    "multipart/report; boundary=b",
    "a/b",
)
values = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([kind.encode() for kind in KINDS]),
    st.text('<>()[]@,;:\\". =?abq\r\n', max_size=60).map(str.encode),
)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=8)
bodies = st.one_of(st.binary(max_size=200), st.text("\r\n-b<>/p&;=a \0", max_size=200).map(str.encode))


@st.composite
def messages(draw):
    """Draw bytes that resemble a message, sometimes with nested parts."""
    head = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in draw(headers))
    body = draw(bodies)
    for _part in range(draw(st.integers(0, 2))):
        body += b"\r\n--b\r\n" + draw(messages())
    return head + b"\r\n" + body


class TestReadingProperties(ToolsCase):
    @properties
    @given(st.one_of(messages(), st.binary(max_size=300)), st.booleans())
    def test_any_bytes_become_a_message_without_defects(self, source, text_only):
        readable = make_readable(source, text_only)
        self.assertFalse(find_defects(readable.source))
        self.assertEqual(readable.source == source, not readable.defects)
        if readable.defects:
            message = email.message_from_bytes(readable.source, policy=email.policy.SMTP)
            self.assertEqual(list(message.iter_parts())[-1].get_content(), source)

    @properties
    @given(st.binary(max_size=100), st.text(max_size=20))
    def test_any_bytes_are_text_in_any_charset(self, data, charset):
        text = to_text(data, charset)
        self.assertFalse(CONTROLS.search(text))
        self.assertDatabaseText(text, data)

    @properties
    @given(st.text(max_size=300), st.integers(1, 100))
    def test_any_name_of_an_attachment_becomes_harmless(self, name, number):
        safe = safe_name(name, number, "application/pdf")
        self.assertTrue(safe)
        self.assertFalse(is_hostile(safe))
        self.assertDatabaseText(safe, name)
