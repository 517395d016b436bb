"""The reader of addresses against the library's, on what is well formed; and what it answers to anything else."""

from email.utils import getaddresses

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.test_tools_helpers import ToolsCase
from odoo.addons.mail_gateway.tools.mailboxes import read_mailboxes

atoms = st.text("abcdefgXYZ019!#$%&*+-/=?^_`{|}~äö", min_size=1, max_size=8).filter(lambda atom: "=?" not in atom)
dot_atoms = st.lists(atoms, min_size=1, max_size=3).map(".".join)
quoted_locals = st.text("ab .,;:<>()[]@", max_size=8).map(lambda text: f'"a {text}b"')
labels = st.text("abcxyz019", min_size=1, max_size=8)
domains = st.lists(labels, min_size=1, max_size=3).map(".".join)
addresses = st.builds("{}@{}".format, st.one_of(dot_atoms, dot_atoms, quoted_locals), domains)
words = st.lists(st.text("abcXYZ019äö-", min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
quoted_names = st.text('abc äö.,;:<>()[]@\\"', min_size=1, max_size=12).map(
    lambda text: '"n{}n"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
)
mailboxes = st.one_of(
    addresses,
    st.builds("<{}>".format, addresses),
    st.builds("{} <{}>".format, words, addresses),
    st.builds("{} <{}>".format, quoted_names, addresses),
)
groups = st.builds("{}: {};".format, words, st.lists(mailboxes, max_size=3).map(", ".join))
lists = st.lists(st.one_of(mailboxes, mailboxes, groups), min_size=1, max_size=5).map(", ".join)


class TestMailboxesProperties(ToolsCase):
    @settings(max_examples=400, deadline=None)
    @given(lists)
    def test_what_is_well_formed_is_read_as_the_library_reads_it(self, text):
        ours = [(mailbox.name, mailbox.address) for mailbox in read_mailboxes(text)]
        theirs = [(" ".join(name.split()), address) for name, address in getaddresses([text]) if "@" in address]
        self.assertEqual(ours, theirs)

    @settings(max_examples=400, deadline=None)
    @example("\udc80@a")
    @example('"\udc80"@a')
    @given(st.text(st.sampled_from("ab@.,;:<>()\"\\'[] \t\r\n=?äß\u202e\u200b\U0001f4e8\0\udc80"), max_size=60))
    def test_whatever_it_is_addresses_are_plain_and_names_can_be_shown(self, text):
        for mailbox in read_mailboxes(text):
            self.assertRegex(mailbox.address, r"\A[^\x00-\x1f\u202e\u200b\udc80]+@[^\s\x00-\x1f\u202e\u200b@<>(),;]+\Z")
            self.assertNotRegex(mailbox.name, "[\x00-\x1f\u202e\udc80]")
            self.assertEqual(read_mailboxes(str(mailbox))[0].address, mailbox.address)
