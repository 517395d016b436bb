"""Authors, recipients and threads of messages from the field, which a lane turns into records."""

from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tests.tools.tools_common import DATA


class PeopleCommon(InboundCommon):
    """The alias sales@mycompany.test makes leads where CRM is installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = "crm.lead" if "crm.lead" in cls.env else cls.record_model
        cls.domain = cls.env["mail.alias.domain"].create({"name": "mycompany.test"})
        cls.sales = cls.make_alias("sales")
        cls.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "100")

    @classmethod
    def make_alias(cls, name, **values):
        return cls.env["mail.alias"].create(
            {
                "alias_name": name,
                "alias_domain_id": cls.domain.id,
                "alias_model_id": cls.env["ir.model"]._get_id(cls.model),
                "alias_contact": "everyone",
                **values,
            }
        )

    def field(self, name, **words):
        """Return a message from the field, with its @@PLACEHOLDERS@@ replaced by words."""
        source = (DATA / f"people_{name}.eml").read_text()
        for word, value in {"UNIQUE": name, **words}.items():
            source = source.replace(f"@@{word}@@", value)
        return source.replace("\n", "\r\n").encode()

    def made(self, message):
        """Check that a message was delivered; return its record."""
        self.assertEqual(message.state, "delivered", message.reason or message.detail)
        return self.env[message.res_model].browse(message.res_id)

    def thread(self, **values):
        """Create a record; return it and a message that Odoo sent about it."""
        record = self.env["res.partner"].create({"name": "Thread"})
        return record, record.message_post(
            body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment", **values
        )

    def notices(self):
        subjects = ("Your message could not be delivered", "Your message is waiting")
        return self.env["mail.mail"].search([("subject", "in", subjects)])


@tagged("post_install", "-at_install")
class TestAuthors(PeopleCommon):
    """The address stands in angle brackets; a name is never taken for an address."""

    def test_an_alias_for_contacts_accepts_a_contact_despite_an_at_in_the_display_name(self):
        contact = self.env["res.partner"].create({"name": "Buyer", "email": "buyer9@acme.example"})
        self.make_alias("known9", alias_contact="partners")
        message = self.deliver(self.field("at_in_unquoted_name"))
        self.made(message)
        self.assertEqual(message.sender, "buyer9@acme.example")
        self.assertEqual(message.mail_message_ids.author_id, contact)
        self.assertFalse(self.notices())

    def test_a_name_with_an_encoded_at_is_not_an_address(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "2")
        messages = self.deliver(*(self.field("encoded_at_in_name", UNIQUE=f"U{number}") for number in range(3)))
        self.assertEqual(messages.mapped("state"), ["delivered", "delivered", "held"])
        self.assertEqual(set(messages.mapped("sender")), {"joerg8@acme.example"})
        self.assertEqual(messages[0].email_from, '"Jörg @ ACME" <joerg8@acme.example>')
        self.assertEqual(messages[0].mail_message_ids.email_from, '"Jörg @ ACME" <joerg8@acme.example>')
        messages[2].with_user(self.user_admin).action_allow_sender()
        self.assertEqual(self.env["mail.gateway.allowed"].search([]).mapped("email"), ["joerg8@acme.example"])
        self.run_lane()
        self.assertEqual(messages[2].state, "delivered")

    def test_nobody_is_identified_as_a_user_by_a_name_or_a_disguised_address(self):
        user = self.user_employee
        message = self.deliver(self.to_sales(f"=?utf-8?q?{user.email.replace('@', '=40')}?= <evil@evil.example>", 99))
        self.assertFalse(message.mail_message_ids.author_id)
        for number, sender in enumerate(
            (
                f"=?utf-8?q?{user.email.replace('@', '=40')}?=",
                f"<=?utf-8?q?{user.email.replace('@', '=40')}?=>",
                f"=?utf-8?b?{self.base64(user.email_formatted)}?=",
                f'"{user.email}" <>',
                f"({user.email})",
                user.email.replace("@", "\u202e@"),
                f"<{user.email}\u200b>",
                user.email.replace("@", "＠"),
            ),
            1,
        ):
            with self.subTest(sender=sender):
                message = self.deliver(self.to_sales(sender, number))
                self.assertEqual(message.state, "delivered", message.reason)
                self.assertFalse(message.sender)
                self.assertFalse(message.mail_message_ids.author_id)

    def test_nobody_is_identified_as_a_user_by_brackets_in_an_encoded_word(self):
        email = self.user_employee.email
        for number, (sender, author) in enumerate(
            (
                (f"=?utf-8?Q?<{email}?= <evil@x.example>", "evil@x.example"),
                (f"=?utf-8?B?,{email},?= <evil@x.example>", "evil@x.example"),
                (f'"=?utf-8?Q?a"<{email}>?=" <evil@x.example>', "evil@x.example"),
                (f"a=?utf-8?Q?<{email}>?= <evil@x.example>", False),
                (f"=?utf-8?Q?<{email}> <evil@x.example>", False),
            )
        ):
            with self.subTest(sender=sender):
                message = self.deliver(self.to_sales(sender, number))
                self.assertEqual((message.state, message.sender), ("delivered", author), message.reason)
                self.assertFalse(message.mail_message_ids.author_id)

    def test_a_quoted_address_is_the_author_only_if_it_stands_alone(self):
        boss = '"Boss <boss@mycompany.test>"'
        for number, (sender, author) in enumerate(
            (
                (boss, "boss@mycompany.test"),
                (f"{boss}, Mary <mary@x.example>", "mary@x.example"),
                (f"{boss} <mary@x.example>", "mary@x.example"),
                (f"{boss} <>", False),
            )
        ):
            with self.subTest(sender=sender):
                self.assertEqual(self.deliver(self.to_sales(sender, number)).sender, author)

    def test_a_name_in_an_encoded_word_keeps_its_commas(self):
        message = self.deliver(self.to_sales("=?utf-8?Q?M=C3=BCller,_Hans?= <h@x.example>", 1))
        self.assertEqual(message.mail_message_ids.email_from, '"Müller, Hans" <h@x.example>')

    def to_sales(self, sender, number):
        return raw(f"From {number}", sender, "sales@mycompany.test", f"<sender{number}@evil.example>")

    @staticmethod
    def base64(text):
        from base64 import b64encode  # noqa: PLC0415

        return b64encode(text.encode()).decode()

    def test_a_refusal_never_goes_to_an_address_in_a_name(self):
        catchall = self.domain.catchall_email
        for number, sender in enumerate(
            (
                "sales@acme.example <mary1@customer.example>",
                '"sales@acme.example" <mary2@customer.example>',
                "=?utf-8?q?sales=40acme.example=2C?= <mary3@customer.example>",
                "(sales@acme.example) mary4@customer.example",
                "'sales@acme.example' <mary5@customer.example>",
            ),
            1,
        ):
            message = self.deliver(raw(f"Refused {number}", sender, catchall, f"<refused{number}@x.example>"))
            self.assertEqual(message.state, "rejected", message.reason)
        told = self.notices().mapped("email_to")
        self.assertEqual(len(told), 5)
        for address in told:
            self.assertRegex(address, r"mary\d@customer\.example")
            self.assertNotRegex(address, r"<sales@acme|^sales@acme[^<]*$")

    def test_a_notice_goes_to_the_topmost_return_path_but_not_to_an_encoded_word_in_it(self):
        paths = {
            "<mary@x.example>\r\nReturn-Path: <bob@y.example>": ("rejected", "mary@x.example"),
            "=?utf-8?q?boss=40mycompany.test?=": ("discarded", False),  # no address, and so nobody to tell
        }
        for number, (path, (state, told)) in enumerate(paths.items()):
            source = raw(
                f"P {number}", "ann@z.example", self.domain.catchall_email, f"<p{number}@x.example>", Return_Path=path
            )
            before = self.notices()
            self.assertEqual(self.deliver(source).state, state)
            self.assertEqual((self.notices() - before).email_to, told)

    def test_the_first_author_counts_and_sender_replaces_an_empty_from(self):
        message = self.deliver(
            raw("Two", "Mary <mary@x.example>, Bob <bob@y.example>", "sales@mycompany.test", "<two@x.example>")
        )
        self.assertEqual(message.sender, "mary@x.example")
        message = self.deliver(
            raw("None", "", "sales@mycompany.test", "<none@x.example>", Sender="Ann <ann@x.example>")
        )
        self.assertEqual(
            (message.sender, message.mail_message_ids.email_from), ("ann@x.example", '"Ann" <ann@x.example>')
        )


@tagged("post_install", "-at_install")
class TestRecipients(PeopleCommon):
    """The addresses of ours that a message names."""

    def number_of_records(self, name):
        return self.env[self.model].search_count([("name", "=", name)])

    def test_messages_from_the_field_reach_their_alias(self):
        self.domain.copy({"name": "xn--bcher-kva.test"})
        shop = self.env["mail.alias.domain"].search([("name", "=", "xn--bcher-kva.test")])
        self.make_alias("shop", alias_domain_id=shop.id)
        for name in ("semicolons_in_to", "bcc_to_alias", "idn_domain", "plus_tag"):
            with self.subTest(name=name):
                self.made(self.deliver(self.field(name)))
        tagged_one = self.env["mail.inbound.message"].search([("subject", "=", "Field plus_tag")])
        self.assertEqual(tagged_one.recipients, "sales+webshop@mycompany.test")

    def test_recipients_in_unusual_notations_reach_the_alias(self):
        for number, to in enumerate(
            (
                "'sales@mycompany.test'",
                '"sales@mycompany.test"',
                "<mailto:sales@mycompany.test>",
                "Sales @ Mycompany <SALES@MyCompany.test.>",
                "Team: bob@x.example, sales@mycompany.test;",
                "bob@x.example sales@mycompany.test",
                "Bob <bob@x.example> Sales <sales@mycompany.test>",
                "Bob <bob@x.example; Sales <sales@mycompany.test>",
                "(Sales) sales@mycompany.test",
                "<@relay.example:sales@mycompany.test>",
                "=?utf-8?q?Sales=2C_ACME?= <sales@mycompany.test>",
                '"sales"@mycompany.test',
                "sales+a+b@mycompany.test",
                "<sales@mycompany.test, bob@x.example>",
                "<bob@x.example; sales@mycompany.test>",
                '"Sales <sales@mycompany.test>"',
                'bob@x.example, "Sales <sales@mycompany.test>"',
                "sales@mycompany.test>",
                "sales@mycompany.test:",
                "sales@mycompany.test <Sales>",
                "sales@mycompany.test <>",
                '"sales@mycompany.test',
                "Sales [sales@mycompany.test]",
                "[mailto:sales@mycompany.test]",
            )
        ):
            with self.subTest(to=to):
                self.made(self.deliver(raw(f"To {number}", to=to, message_id=f"<to{number}@x.example>")))

    def test_texts_that_are_not_the_address_of_the_alias_do_not_reach_it(self):
        for number, to in enumerate(
            (
                "=?utf-8?q?sales=40mycompany.test?=",
                '"sales@mycompany.test" <bob@x.example>',
                '"Sales <sales@mycompany.test>" <bob@x.example>',
                "Sales (sales@mycompany.test)",
                "[sales@mycompany.test] <bob@x.example>",
                "sales\u202e@mycompany.test",
                "sales@mycompany.test.evil.example",
                "+sales@mycompany.test",
            )
        ):
            with self.subTest(to=to):
                message = self.deliver(raw(f"Not to {number}", to=to, message_id=f"<not{number}@x.example>"))
                self.assertEqual((message.state, message.cause), ("held", "no_route"))

    def test_transport_headers_name_the_alias_if_the_recipients_include_none_of_ours(self):
        for number, header in enumerate(("X_Original_To", "Delivered_To", "Envelope_To", "X_Envelope_To", "Bcc")):
            with self.subTest(header=header):
                source = raw(
                    f"Transport {number}",
                    to="list@lists.example",
                    message_id=f"<transport{number}@x.example>",
                    **{header: "sales+tag@mycompany.test"},
                )
                self.made(self.deliver(source))
                self.assertEqual(self.number_of_records(f"Transport {number}"), 1)

    def test_a_blind_copy_in_the_catchall_mailbox_reaches_its_alias(self):
        source = raw(
            "Bcc",
            to="undisclosed-recipients:;",
            message_id="<bcc@x.example>",
            X_Original_To="sales@mycompany.test",
            Delivered_To=self.domain.catchall_email,
        )
        self.made(self.deliver(source))
        self.assertFalse(self.notices())

    def test_transport_headers_add_no_record_if_the_recipients_include_an_alias(self):
        self.make_alias("other")
        source = raw(
            "Both", to="sales@mycompany.test", message_id="<both@x.example>", Delivered_To="other@mycompany.test"
        )
        self.made(self.deliver(source))
        self.assertEqual(self.number_of_records("Both"), 1)

    def test_the_address_of_the_mailbox_does_not_count_as_a_recipient(self):
        self.server.object_id = self.env["ir.model"]._get(self.model)
        source = raw(
            "Catchall", to=self.domain.catchall_email, message_id="<c@x.example>", Delivered_To="odoo@mycompany.test"
        )
        self.assertEqual(self.deliver(source).state, "rejected")
        made = self.made(self.deliver(raw("Box", message_id="<box@x.example>", Delivered_To="odoo@mycompany.test")))
        self.assertNotIn("odoo@mycompany.test", made.message_ids.mapped("incoming_email_to"))

    def test_the_alias_with_the_longer_match_takes_precedence(self):
        exact = self.make_alias("sales+press")
        exact.alias_defaults = repr({"name": "Exact"}) if self.model == "crm.lead" else "{}"
        message = self.deliver(raw("Press", to="sales+press+2026@mycompany.test", message_id="<press@x.example>"))
        self.made(message)
        self.assertEqual(self.env["mail.inbound.created.record"].search([], limit=1).target, f"mail.alias,{exact.id}")

    def test_a_domain_stored_in_unicode_takes_mail_in_both_forms(self):
        self.env.cr.execute("UPDATE mail_alias_domain SET name = 'bücher.test' WHERE id = %s", [self.domain.id])
        self.env.cr.execute(
            "UPDATE mail_alias SET alias_full_name = 'sales@bücher.test' WHERE id = %s", [self.sales.id]
        )
        self.env.invalidate_all()
        for number, to in enumerate(("sales@xn--bcher-kva.test", "sales@BÜCHER.test", "sales+x@xn--bcher-kva.test")):
            with self.subTest(to=to):
                self.made(self.deliver(raw(f"IDN {number}", to=to, message_id=f"<idn{number}@x.example>")))

    def test_a_former_address_with_a_tag_leads_to_the_new_address(self):
        self.sales.alias_name = "orders"
        message = self.deliver(raw("Old", to="sales+x@mycompany.test", message_id="<old@x.example>"))
        self.made(message)
        self.assertIn("sales+x@mycompany.test → orders@mycompany.test", message.former_address)

    def test_a_tagged_alias_is_recognized_as_an_alias(self):
        found = self.env["mail.alias.domain"]._find_aliases(["sales+x@mycompany.test", "mary@customer.example"])
        self.assertEqual(found, ["sales+x@mycompany.test"])

    def test_a_copy_for_another_alias_makes_its_record_although_a_transport_header_named_it_before(self):
        self.make_alias("other")
        copies = [
            raw("Copy", to=f"{to}@mycompany.test", message_id="<copy@x.example>", Delivered_To="other@mycompany.test")
            for to in ("sales", "other", "sales")
        ]
        self.assertEqual(self.deliver(*copies).mapped("state"), ["delivered", "delivered", "discarded"])
        self.assertEqual(self.number_of_records("Copy"), 2)

    def test_an_alias_behind_hundreds_of_recipients_makes_one_record(self):
        others = ", ".join(f"person{number}@customer.example" for number in range(300))
        source = raw("Crowd", to=f"{others}, sales@mycompany.test", message_id="<crowd@x.example>")
        self.assertEqual(self.deliver(source, source).mapped("state"), ["delivered", "discarded"])
        self.assertEqual(self.number_of_records("Crowd"), 1)


@tagged("post_install", "-at_install")
class TestThreads(PeopleCommon):
    """In-Reply-To and References each lead a reply to its thread."""

    def test_a_reply_is_found_by_in_reply_to_when_references_name_others(self):
        record, parent = self.thread()
        source = self.field("in_reply_to_ours_references_foreign", MID=parent.message_id)
        source = source.replace(b"catchall@mycompany.test", self.domain.catchall_email.encode())
        self.assertEqual(self.made(self.deliver(source)), record)
        self.assertFalse(self.notices())

    def test_ids_in_unusual_notations_are_found(self):
        record, parent = self.thread()
        bare = parent.message_id.strip("<>")
        for number, headers in enumerate(
            (
                {"In_Reply_To": bare},
                {"References": bare},
                {"In_Reply_To": f'Your message of "Mon, 1 Jan 2026" {parent.message_id}'},
                {"In_Reply_To": f"<{bare[:20]}\r\n {bare[20:]}>"},
                {"In_Reply_To": f"<foreign@x.example> {parent.message_id}"},
                {"References": f"<a@x.example>,{parent.message_id},<b@x.example>", "In_Reply_To": "<b@x.example>"},
                {"References": f"{parent.message_id} " + " ".join(f"<{n}@x.example>" for n in range(60))},
                {"In_Reply_To": f"< {bare} >"},
                {"In_Reply_To": f"<{bare} from Mary"},
            )
        ):
            with self.subTest(headers=headers):
                source = raw(
                    f"Re {number}", to=self.domain.catchall_email, message_id=f"<re{number}@x.example>", **headers
                )
                self.assertEqual(self.made(self.deliver(source)), record)
        self.assertFalse(self.notices())

    def test_the_nearest_known_message_wins(self):
        (far, far_message), (near, near_message) = self.thread(), self.thread()
        for number, (headers, expected) in enumerate(
            (
                ({"References": f"{near_message.message_id} {far_message.message_id}"}, far),
                ({"References": f"{far_message.message_id} {near_message.message_id}"}, near),
                ({"References": near_message.message_id, "In_Reply_To": far_message.message_id}, far),
            )
        ):
            source = raw(f"N {number}", to=self.domain.catchall_email, message_id=f"<n{number}@x.example>", **headers)
            self.assertEqual(self.made(self.deliver(source)), expected)

    def test_a_known_message_whose_record_is_gone_is_skipped(self):
        (gone, gone_message), (record, parent) = self.thread(), self.thread()
        references = f"{parent.message_id} {gone_message.message_id}"
        self.env.cr.execute("UPDATE mail_message SET res_id = 2000000000 WHERE id = %s", [gone_message.id])
        self.env.invalidate_all()
        source = raw("Gone", to=self.domain.catchall_email, message_id="<gone@x.example>", References=references)
        self.assertEqual(self.made(self.deliver(source)), record)
        self.assertTrue(gone.exists())

    def test_a_message_that_answers_only_unknown_messages_is_not_a_reply(self):
        source = raw("Foreign", to=self.domain.catchall_email, message_id="<f@x.example>", In_Reply_To="mary@x.example")
        self.assertEqual(self.deliver(source).state, "rejected")


@tagged("post_install", "-at_install")
class TestIdentity(PeopleCommon):
    """Recognition of messages that came before (D4)."""

    def orders(self, message_id, *texts, **values):
        sources = []
        for text in texts:
            source = raw(**{"subject": "Order", "to": "sales@mycompany.test", "message_id": "@", **values})
            source = source.replace(b"Message-Id: @", f"Message-Id: {message_id}".encode())
            sources.append(source.replace(b"please send ten of them", text.encode()))
        return self.deliver(*sources)

    def test_messages_without_an_id_are_all_processed(self):
        for device in ("fax", "scanner"):
            self.made(self.deliver(self.field("empty_message_id", device=device, order="17")))
        for message_id in ("<>", "", "< >", "<@>", "garbage", "<null>", "@"):
            with self.subTest(message_id=message_id):
                messages = self.orders(message_id, "one", "one")
                self.assertEqual(messages.mapped("state"), ["delivered", "delivered"])
                self.assertEqual(messages.mapped("defects"), [False, False])
                self.assertEqual(len(set(messages.mail_message_ids.mapped("message_id"))), 2)

    def test_another_text_under_the_same_id_is_another_message(self):
        messages = self.orders("<fixed@device.example>", "Order 17", "Order 18", "Order 17", "Order 18")
        self.assertEqual(messages.mapped("state"), ["delivered", "delivered", "discarded", "discarded"])
        self.assertEqual(len(set(messages.mail_message_ids.mapped("message_id"))), 2)
        self.assertEqual(len(set(messages.mapped("res_id")) - {0}), 2)

    def test_another_sender_or_subject_under_the_same_id_is_another_message(self):
        first = self.orders("<fixed2@device.example>", "Order 17")
        other = self.orders("<fixed2@device.example>", "Order 17", sender="other@x.example")
        third = self.orders("<fixed2@device.example>", "Order 17", subject="Other")
        self.assertEqual((first + other + third).mapped("state"), ["delivered"] * 3)

    def test_another_file_under_the_same_id_and_text_is_another_message(self):
        def scan(content):
            head = (
                "From: scanner@x.example\r\nTo: sales@mycompany.test\r\nSubject: Scan\r\nMessage-Id: <scan@x.example>\r\n"
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            )
            text = "--b\r\nContent-Type: text/plain\r\n\r\nScan\r\n"
            file = f"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n{content}\r\n--b--\r\n"
            return f"{head}{text}{file}".encode()

        self.assertEqual(
            self.deliver(scan("one"), scan("two"), scan("one")).mapped("state"), ["delivered", "delivered", "discarded"]
        )

    def test_a_message_from_others_under_one_of_our_ids_is_a_new_message(self):
        record, parent = self.thread()
        message = self.deliver(raw("Attack", to="sales@mycompany.test", message_id=parent.message_id))
        self.assertNotEqual(self.made(message), record)
        self.assertNotEqual(message.mail_message_ids.message_id, parent.message_id)
        reply = raw("Re: Question", to=self.domain.catchall_email, message_id="<r@x>", In_Reply_To=parent.message_id)
        self.assertEqual(self.made(self.deliver(reply)), record)

    def test_our_own_mail_is_recognized_by_its_id_even_with_a_changed_text(self):
        _record, parent = self.thread(author_id=self.user_employee.partner_id.id)
        source = raw("Question", self.user_employee.email_formatted, "sales@mycompany.test", parent.message_id)
        self.assertNotIn(b"Question?", source)
        self.assertEqual(self.deliver(source).state, "discarded")

    def test_a_message_processed_by_an_earlier_version_is_recognized(self):
        [first] = self.orders("<old@x.example>", "Order 17")
        first.identity = False
        self.assertEqual(self.orders("<old@x.example>", "Order 17").state, "discarded")

    def test_a_message_from_before_the_installation_is_recognized_by_its_text(self):
        [first] = self.orders("<before@x.example>", "Order 17")
        first.unlink()
        self.assertEqual(self.orders("<before@x.example>", "Order 18").state, "delivered")
        self.assertEqual(self.orders("<before@x.example>", "Order 17").state, "discarded")


@tagged("post_install", "-at_install")
class TestLists(PeopleCommon):
    """The author behind a list or a group that puts itself into From (C14)."""

    MAILMAN = {
        "sender": "Mary via Orders <orders@lists.example>",
        "Reply_To": "Mary <mary@customer.example>, orders@lists.example",
        "List_Id": "Orders <orders.lists.example>",
        "List_Post": "<mailto:orders@lists.example>",
    }

    def through_list(self, number=0, **values):
        return self.deliver(
            raw(f"List {number}", to="sales@mycompany.test", message_id=f"<l{number}@x>", **{**self.MAILMAN, **values})
        )

    def test_six_customers_of_a_google_group_are_six_senders(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "5")
        messages = self.deliver(
            *(
                self.field(
                    "google_group", UNIQUE=f"G{number}", who=f"Customer {number}", addr=f"c{number}@customer.example"
                )
                for number in range(6)
            )
        )
        self.assertEqual(messages.mapped("state"), ["delivered"] * 6)
        self.assertEqual(messages.mapped("sender"), [f"c{number}@customer.example" for number in range(6)])
        self.assertEqual(messages[0].mail_message_ids.email_from, '"Customer 0" <c0@customer.example>')
        if self.model == "crm.lead":
            self.assertEqual(self.made(messages[0]).email_from, '"Customer 0" <c0@customer.example>')

    def test_the_author_behind_other_lists_is_found(self):
        for number, values in enumerate(
            (
                {},
                {"List_Post": None},
                {"List_Id": None},
                {"X_Original_From": "Mary <mary@customer.example>", "Reply_To": "orders@lists.example"},
                {"List_Id": None, "List_Post": None, "X_BeenThere": "orders@lists.example"},
            )
        ):
            with self.subTest(values=values):
                self.assertEqual(self.through_list(number, **values).sender, "mary@customer.example")

    def test_the_from_counts_without_consistent_list_headers(self):
        for number, values in enumerate(
            (
                {"List_Id": None, "List_Post": None},
                {"List_Id": "<other.lists.example>", "List_Post": "<mailto:other@lists.example>"},
                {"Reply_To": "Mary <mary@customer.example>, Bob <bob@customer.example>"},
                {"Reply_To": "orders@lists.example"},
            )
        ):
            with self.subTest(values=values):
                self.assertEqual(self.through_list(number, **values).sender, "orders@lists.example")

    def test_nobody_is_identified_as_a_user_by_a_forged_list(self):
        for number, address in enumerate((self.user_employee.email, "boss@mycompany.test")):
            message = self.through_list(number, X_Original_From=f"Boss <{address}>", Reply_To=address)
            self.assertFalse(message.mail_message_ids.author_id)
            self.assertIn("orders@lists.example", message.mail_message_ids.email_from)
            self.assertEqual(message.sender, "orders@lists.example")
            self.assertIn(message, self.env["mail.inbound.message"].search([("search_text", "ilike", "orders@lists")]))

    def test_a_list_of_our_own_domain_may_name_colleagues(self):
        values = {
            "sender": "Boss via Orders <orders@mycompany.test>",
            "List_Id": "<orders.mycompany.test>",
            "List_Post": None,
            "Reply_To": "Boss <boss@mycompany.test>",
        }
        self.assertEqual(self.through_list(**values).sender, "boss@mycompany.test")
