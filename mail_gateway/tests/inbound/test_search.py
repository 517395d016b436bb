from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestSearch(InboundCommon):
    """One search for sender, recipients, subject and Message-Id, and the indexes that the list uses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.inbound = cls.env["mail.inbound.message"]

    def found(self, words):
        return self.inbound.search([("search_text", "ilike", words)])

    def test_a_message_is_found_by_subject_sender_recipient_and_message_id(self):
        message = self.store(
            raw("Ten chairs", "Mary <mary@customer.example>", "sales@mycompany.example", "<4711@relay.example>")
        )
        self.store(
            raw("Something else", "Paul <paul@elsewhere.example>", "office@mycompany.example", "<1@elsewhere.example>")
        )
        for words in ("ten ch", "MARY", "mary@customer", "sales@", "<4711@relay.example>", "4711@rel"):
            with self.subTest(words):
                self.assertEqual(self.found(words), message)

    def test_case_and_accents_make_no_difference(self):
        message = self.store(raw("=?utf-8?q?Angebot_f=C3=BCr_das_Caf=C3=A9?="))
        for words in ("FÜR DAS CAFÉ", "fur das cafe"):
            self.assertEqual(self.found(words), message)

    def test_unknown_words_find_nothing(self):
        self.store(raw())
        self.assertFalse(self.found("no such words"))

    def test_the_subject_field_searches_only_subjects(self):
        message = self.store(raw("From Mary"))
        self.store(raw("Another", "From Mary <from@customer.example>"))
        arch = etree.fromstring(self.inbound.get_view(view_type="search")["arch"])
        [node] = arch.xpath("//field[@name='subject']")
        domain = safe_eval(node.get("filter_domain"), {"self": "from mary"})
        self.assertEqual(self.inbound.search(domain), message)

    def test_the_search_box_offers_the_combined_search_first(self):
        arch = etree.fromstring(self.inbound.get_view(view_type="search")["arch"])
        self.assertEqual(arch.xpath("//field/@name")[0], "search_text")

    def test_users_without_access_to_messages_cannot_search_them(self):
        self.store(raw())
        portal = new_test_user(self.env, "searching", groups="base.group_portal")
        for model in ("mail.inbound.message", "mail.inbound.search"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(portal).search([])
        postmaster = new_test_user(self.env, "postmaster who searches", groups="mail_gateway.group_postmaster")
        self.assertTrue(self.inbound.with_user(postmaster).search([("search_text", "ilike", "order")]))

    def test_the_search_text_is_deleted_with_its_message(self):
        message = self.store(raw())
        texts = self.env["mail.inbound.search"].search([("inbound_message_id", "in", message.ids)])
        self.assertEqual(len(texts), 1)
        message.unlink()
        self.assertFalse(texts.exists())

    # ------------------------------------------------------------------ indexes

    def plan(self, query):
        """Return how PostgreSQL runs a query when it reads all rows only if nothing else is possible."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(query.select())
        self.env.cr.execute(b"EXPLAIN " + self.env.cr.query)
        return "\n".join(row[0] for row in self.env.cr.fetchall())

    def test_every_filter_of_the_list_has_an_index(self):
        arch = etree.fromstring(self.inbound.get_view(view_type="search")["arch"])
        filters = {node.get("name"): node.get("domain") for node in arch.iter("filter") if node.get("domain")}
        self.assertGreater(len(filters), 8)
        for name, domain in filters.items():
            with self.subTest(name):
                query = self.inbound._search(
                    safe_eval(domain, {"uid": self.env.uid}), order="received_date desc, id desc"
                )
                self.assertNotIn("Seq Scan", self.plan(query))

    def test_messages_whose_source_is_kept_have_an_index_of_their_own(self):
        self.assertIn("kept_index", self.plan(self.inbound._search([("keep_source", "=", True)], order="id")))

    def test_the_search_text_has_an_index_if_the_extension_is_installed(self):
        plan = self.plan(self.env["mail.inbound.search"]._search([("text", "like", "no such words")]))
        self.assertEqual("mail_inbound_search_text_index" in plan, bool(self.registry.has_trigram))

    def test_records_that_are_removed_by_age_have_an_index_on_their_age(self):
        old = fields.Datetime.now() - timedelta(days=99)
        for model in ("rule.hit", "message.id.lock", "created.record", "sender.notice"):
            with self.subTest(model):
                rows = self.env[f"mail.inbound.{model}"]
                plan = self.plan(rows._search([("create_date", "<", old)], order="create_date", limit=10))
                self.assertIn("age_index", plan)

    def test_foreign_keys_have_indexes_so_that_deletions_do_not_read_whole_tables(self):
        """PostgreSQL looks for rows that refer to a deleted one, either by an index or by reading all of them."""
        self.env.cr.execute(
            """
            SELECT conrelid::regclass::text, attname
              FROM pg_constraint
              JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
             WHERE contype = 'f' AND conrelid::regclass::text ~ '^mail_(inbound|outgoing|former)_'
               AND attname NOT IN ('create_uid', 'write_uid')
               AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])
            """
        )
        bare = self.env.cr.fetchall()
        few = (
            "folder",
            "explain",
            "import",
            "export",
            "route",
            "reject",
            "alike",
        )  # tables of dialogs, or with one row for each folder
        self.assertEqual([pair for pair in bare if not any(word in pair[0] for word in few)], [])
