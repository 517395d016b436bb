"""The reader of addresses, compared with the library's on well-formed values, and checked on all others."""

from email.utils import getaddresses

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.headers.address_list import read_addresses

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
entries = st.one_of(
    addresses,
    st.builds("<{}>".format, addresses),
    st.builds("{} <{}>".format, words, addresses),
    st.builds("{} <{}>".format, quoted_names, addresses),
)
groups = st.builds("{}: {};".format, words, st.lists(entries, max_size=3).map(", ".join))
lists = st.lists(st.one_of(entries, entries, groups), min_size=1, max_size=5).map(", ".join)

# encoded words, with and without an end, in which an address of ours stands beside separators
inner_texts = st.lists(
    st.sampled_from(["boss@mycompany.test", *'<>,;:()[]"\\@.=?_x', " "]), min_size=1, max_size=8
).map("".join)
openings = st.sampled_from(["=?utf-8?Q?", "=?utf-8?b?", "=?us-ascii*en?q?", "=??q?"])


def unended(texts):
    return texts.filter(lambda text: "?=" not in text)


encoded_words = st.one_of(
    st.builds("{}{}?=".format, st.one_of(openings, st.just("=?utf-8 ?Q?")), unended(inner_texts)),
    st.builds("{}{}".format, openings, unended(inner_texts.map(lambda text: text.replace(" ", "")))),
)
values_around_words = st.lists(
    st.one_of(
        encoded_words,
        st.sampled_from(["<evil@x.example>", "evil@x.example", "'", "[", "]", "x", "=", "mailto:", "\\", "@x.example"]),
        st.sampled_from([" ", '"', "<", ">", "(", ")", ",", ";", ":", "@"]),
    ),
    min_size=1,
    max_size=8,
).map("".join)
# an address of ours among signs that hide it or turn it into a name
signs = st.text('<>[]()"\\:.', max_size=2)
disguised = st.builds(
    "{}{}boss@mycompany.test{}{}".format, signs, st.sampled_from(("", "Boss ", "mailto:")), signs, signs
)
# names from programs that encode only letters and leave the rest unchanged
raw_names = st.text('abö ,;:<>()[]@."', max_size=12).map(lambda text: f"ä{' '.join(text.split())}n")


class TestAddressListProperties(ToolsCase):
    @settings(max_examples=rounds(400), deadline=None)
    @given(lists)
    def test_well_formed_values_are_read_as_by_the_library(self, text):
        ours = [(entry.name, entry.address) for entry in read_addresses(text)]
        theirs = [(" ".join(name.split()), address) for name, address in getaddresses([text]) if "@" in address]
        self.assertEqual(ours, theirs)

    @settings(max_examples=rounds(400), deadline=None)
    @example("\udc80@a")
    @example('"\udc80"@a')
    @given(st.text(st.sampled_from("ab@.,;:<>()\"\\'[] \t\r\n=?äß\u202e\u200b\U0001f4e8\0\udc80"), max_size=60))
    def test_addresses_from_any_text_are_plain_and_names_can_be_shown(self, text):
        for entry in read_addresses(text):
            self.assertRegex(entry.address, r"\A[^\x00-\x1f\u202e\u200b\udc80]+@[^\s\x00-\x1f\u202e\u200b@<>(),;]+\Z")
            self.assertNotRegex(entry.name, "[\x00-\x1f\u202e\udc80]")
            self.assertEqual(read_addresses(str(entry))[0].address, entry.address)

    @settings(max_examples=rounds(1000), deadline=None)
    @given(values_around_words)
    def test_no_part_of_an_encoded_word_is_an_address_in_any_context(self, value):
        for entry in read_addresses(value):
            self.assertNotIn("boss", entry.address)
            for again in read_addresses(str(entry)):
                self.assertNotIn("boss", again.address)

    @settings(max_examples=rounds(400), deadline=None)
    @given(raw_names, st.sampled_from(("{} <h@x.example>", '"{}" <h@x.example>', "h@x.example ({})")))
    def test_a_name_in_an_encoded_word_may_contain_anything(self, name, form):
        word = "=?utf-8?Q?{}?=".format(name.replace(" ", "_").replace("ä", "=C3=A4").replace("ö", "=C3=B6"))
        self.assertEqual(read_addresses(form.format(word)), [(name, "h@x.example")])

    @settings(max_examples=rounds(400), deadline=None)
    @given(st.builds('"{}"'.format, disguised.map(lambda text: text.replace("\\", "").replace('"', ""))))
    def test_a_quoted_address_never_comes_before_an_unquoted_one(self, quoted):
        for following in ("<evil@x.example>", " <evil@x.example>", ", evil@x.example", ";Evil <evil@x.example>"):
            self.assertEqual(read_addresses(quoted + following)[0].address, "evil@x.example")
