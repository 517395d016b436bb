"""Any repeated message has the same fingerprint; any changed message has another."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.classify.automatic_subjects import PHRASES
from odoo.addons.mail_gateway.tools.classify.fingerprint import fingerprint

SENDER = "mary@customer.example"
words = st.lists(st.text("abcdefghijkößéяй注文", min_size=1, max_size=12), min_size=1, max_size=8)
sentences = words.map(" ".join)
marks = st.sampled_from(["Re:", "RE: ", "Fwd:", "AW:  ", "sv : ", "Re[3]: ", *(f"{p[0]}: " for p in PHRASES.values())])


# The machine determines how fast hypothesis draws examples.
properties = settings(
    max_examples=rounds(100),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestFingerprintProperties(ToolsCase):
    @properties
    @given(
        subject=sentences, text=sentences, before=st.lists(marks, max_size=5), quoted=st.lists(sentences, max_size=3)
    )
    def test_an_answer_to_an_answer_with_the_same_words_has_the_same_fingerprint(self, subject, text, before, quoted):
        quotation = "".join(f"> {line}\n" for line in quoted)
        self.assertEqual(
            fingerprint(SENDER, subject, text),
            fingerprint(
                f"Mary <{SENDER.upper()}>", "".join(before) + subject, f"{text.replace(' ', '  ')}\r\n{quotation}"
            ),
        )

    @properties
    @given(one=words, other=words)
    def test_other_words_have_another_fingerprint(self, one, other):
        same = " ".join(one).split() == " ".join(other).split()
        self.assertEqual(fingerprint(SENDER, "", " ".join(one)) == fingerprint(SENDER, "", " ".join(other)), same)

    @properties
    @given(st.text(), st.text(), st.text())
    def test_any_text_has_a_fingerprint(self, sender, subject, text):
        self.assertRegex(fingerprint(sender, subject, text), "^[0-9a-f]{64}$")
