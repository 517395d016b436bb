import time
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage

from odoo.addons.mail_gateway.tests.tools.tools_common import DATA, ToolsCase, mutations
from odoo.addons.mail_gateway.tools.classify.automatic_reply import (
    Sign,
    automatic_reply,
    may_be_answered,
    may_be_bounce,
    unanswerable,
)
from odoo.addons.mail_gateway.tools.classify.automatic_subjects import PHRASES, is_fixed, is_loose
from odoo.addons.mail_gateway.tools.headers.message_head import ReadingPolicy

# Seconds; a message takes far less.
PATIENCE = 5
OURS = "<1.2-openerp-3-crm.lead@mycompany.example>"


def mail(sender="Mary <mary@customer.example>", **headers):
    """Return a message as Odoo parses it; `headers` have _ for -."""
    lines = {"From": sender, "Message-Id": "<1@customer.example>", "Subject": "Order"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return message_from_bytes(f"{head}\r\nPlease send ten.\r\n".encode(), policy=policy.SMTP)


def parsed(source):
    """Parse `source` under each policy under which the library does not fail."""
    messages = []
    for reading in (policy.SMTP, policy.compat32, ReadingPolicy()):
        with suppress(Exception):
            messages.append(message_from_bytes(source, policy=reading))
    return messages


class TestAutomaticReply(ToolsCase):
    def read(self, name):
        return message_from_bytes(self.eml(name), policy=policy.SMTP)

    # ------------------------------------------------------------------ whole messages

    def test_every_automatic_reply_is_recognised_and_not_answered(self):
        for file in sorted(DATA.glob("automatic_*.eml")):
            with self.subTest(file=file.stem):
                self.assertTrue(automatic_reply(self.read(file.stem)))
                self.assertFalse(may_be_answered(self.read(file.stem)))

    def test_no_persons_message_is_taken_for_an_automatic_reply(self):
        for file in sorted(DATA.glob("human_*.eml")):
            with self.subTest(file=file.stem):
                self.assertIsNone(automatic_reply(self.read(file.stem)))

    def test_messages_that_programs_send_unasked_are_not_replies_and_are_not_answered(self):
        for file in sorted(DATA.glob("program_*.eml")):
            with self.subTest(file=file.stem):
                self.assertIsNone(automatic_reply(self.read(file.stem)))
                self.assertFalse(may_be_answered(self.read(file.stem)))

    def test_messages_that_only_resemble_automatic_replies_have_no_proven_sign(self):
        for file in sorted(DATA.glob("unproven_*.eml")):
            with self.subTest(file=file.stem):
                self.assertIsNone(automatic_reply(self.read(file.stem)))
                self.assertFalse(unanswerable(self.read(file.stem)).proven)

    def test_messages_of_people_have_at_most_an_unproven_sign(self):
        for name, silent in (
            ("human_mail_with_suppress_header", True),
            ("human_french_absence_on_monday", True),
            ("human_german_holiday_to_be_sold", True),
            ("human_italian_office_furniture", True),
            ("human_english_quotes_an_automatic_reply", True),
            ("human_answers_with_suppress_header", True),
            ("human_reply", False),
        ):
            with self.subTest(name):
                sign = unanswerable(self.read(name))
                self.assertEqual(sign is not None and not sign.proven, silent)

    def test_a_delivery_report_with_auto_submitted_is_not_an_automatic_reply(self):
        report = self.read("report_with_auto_submitted")
        self.assertIsNone(automatic_reply(report))
        self.assertFalse(may_be_answered(report))

    def test_the_other_fixtures_are_not_automatic_replies(self):
        kinds = ("automatic_", "program_", "report_", "unproven_")
        for file in (file for file in DATA.glob("*.eml") if not file.stem.startswith(kinds)):
            for message in parsed(file.read_bytes()):
                with self.subTest(file=file.stem, policy=message.policy):
                    self.assertIsNone(automatic_reply(message))

    def test_the_sign_is_returned(self):
        self.assertEqual(
            automatic_reply(self.read("automatic_vacation_rfc3834")),
            Sign("Auto-Submitted", 'Auto-Replied (vacation); owner-email="mary@customer.example"'),
        )
        self.assertEqual(
            unanswerable(self.read("unproven_french_subject_in_base64")),
            Sign("Subject", "Réponse automatique : Votre offre", proven=False),
        )

    # ------------------------------------------------------------------ headers

    def test_comments_parameters_case_and_folding_of_auto_submitted_do_not_matter(self):
        for value in (
            "auto-replied",
            "AUTO-REPLIED",
            "(by us) auto-replied (rejected)",
            "auto-replied; type=vacation",
            "\r\n auto-replied",
            '"auto-replied"',
        ):
            with self.subTest(value=value):
                self.assertTrue(automatic_reply(mail(Auto_Submitted=value)))

    def test_auto_replied_in_a_comment_or_a_longer_word_is_not_a_sign(self):
        for value in ("no (auto-replied is what we are not)", "no; auto-replied", "auto-replied-not", ""):
            with self.subTest(value=value):
                self.assertIsNone(automatic_reply(mail(Auto_Submitted=value)))

    def test_generated_mail_with_a_loose_subject_is_a_reply_when_it_answers_somebody_elses_message(self):
        for value in ("auto-generated", "auto-notified", "auto-x-of-tomorrow"):
            with self.subTest(value=value):
                generated = {"Auto_Submitted": value, "Subject": "Absence: Mary Smith, 3 March"}
                self.assertIsNone(automatic_reply(mail(**generated)))
                self.assertTrue(automatic_reply(mail(**generated, In_Reply_To=OURS)))
                self.assertTrue(automatic_reply(mail(**generated, References=f"<0@customer.example> {OURS}")))

    def test_the_answered_message_may_be_named_without_brackets(self):
        generated = {"Auto_Submitted": "auto-generated", "Subject": "Out of office"}
        self.assertTrue(automatic_reply(mail(**generated, In_Reply_To=OURS.strip("<>"))))
        self.assertTrue(automatic_reply(mail(**generated, References=f"Your message {OURS.strip('<>')}")))
        self.assertIsNone(automatic_reply(mail(**generated, In_Reply_To="0@customer.example")))
        self.assertIsNone(
            automatic_reply(mail(**generated, Message_Id="1@customer.example", In_Reply_To="<0@customer.example>"))
        )

    def test_an_answer_of_a_helpdesk_agent_is_not_an_automatic_reply(self):
        generated = {"Auto_Submitted": "auto-generated", "Return_Path": "<support@customer.example>"}
        self.assertIsNone(automatic_reply(mail(**generated, In_Reply_To=OURS)))

    def test_generated_mail_that_refers_to_mail_of_its_own_sender_is_not_a_reply(self):
        generated = {"Auto_Submitted": "auto-generated", "Subject": "Absence: Mary Smith, 3 March"}
        self.assertIsNone(automatic_reply(mail(**generated, In_Reply_To="<0@customer.example>")))
        self.assertIsNone(automatic_reply(mail(**generated, References=f"{OURS} <1@customer.example>")))

    def test_generated_mail_with_a_fixed_subject_is_a_reply(self):
        self.assertTrue(automatic_reply(mail(Auto_Submitted="auto-generated", Subject="Out of office: Order")))
        self.assertIsNone(automatic_reply(mail(Auto_Submitted="auto-generated", Subject="Out of office")))

    def test_a_request_to_suppress_replies_does_not_mark_a_reply(self):
        self.assertIsNone(automatic_reply(mail(X_Auto_Response_Suppress="All")))
        self.assertIsNone(automatic_reply(mail(X_Auto_Response_Suppress="All", In_Reply_To=OURS)))
        self.assertIsNone(automatic_reply(mail(X_Auto_Response_Suppress="All", Subject="Abwesend bis Montag")))

    def test_a_subject_proves_nothing_even_beside_headers_of_exchange(self):
        for subject in ("Automatic reply: Order", "Auto: Angebot VW Golf", "Absence lundi 3 mars", "Out of office"):
            for headers in (
                {},
                {"X_Auto_Response_Suppress": "All"},
                {"X_MS_Exchange_Generated_Message_Source": "Mailbox Rules Agent"},
                {"In_Reply_To": OURS},
            ):
                with self.subTest(subject=subject, headers=headers):
                    self.assertIsNone(automatic_reply(mail(Subject=subject, **headers)))
                    self.assertFalse(unanswerable(mail(Subject=subject, **headers)).proven)

    def test_the_null_sender_is_proof_by_itself(self):
        for path in ("<>", " < > ", "<>\r\nReturn-Path: <mary@customer.example>"):
            with self.subTest(path=path):
                self.assertEqual(automatic_reply(mail(Return_Path=path)).header, "Return-Path")
                self.assertTrue(automatic_reply(mail(Return_Path=path, In_Reply_To="<0@customer.example>")))

    def test_an_empty_return_path_or_one_that_is_not_the_topmost_proves_nothing(self):
        for path in ("", "<MAILER-DAEMON>", "<mary@customer.example>\r\nReturn-Path: <>"):
            with self.subTest(path=path):
                self.assertIsNone(automatic_reply(mail(Return_Path=path, In_Reply_To=OURS)))

    def test_a_forwarded_message_is_not_an_automatic_reply(self):
        self.assertTrue(automatic_reply(mail(X_Autogenerated="Reply")))
        for value in ("Forward", "Redirect", "Group"):
            self.assertIsNone(automatic_reply(mail(X_Autogenerated=value)))

    def test_bulk_mail_is_not_an_automatic_reply(self):
        for value in ("bulk", "list", "junk"):
            self.assertIsNone(automatic_reply(mail(Precedence=value)))
        self.assertTrue(automatic_reply(mail(Precedence="auto_reply")))

    def test_a_negative_x_autoreply_is_not_a_sign(self):
        for value in ("no", "false", "0", ""):
            self.assertIsNone(automatic_reply(mail(X_Autoreply=value)))
        self.assertTrue(automatic_reply(mail(X_Autoreply="1")))

    def test_the_second_of_two_contradicting_headers_counts_as_well(self):
        self.assertTrue(automatic_reply(mail(Auto_Submitted="no\r\nAuto-Submitted: auto-replied")))

    # ------------------------------------------------------------------ bounces

    def test_the_null_sender_does_not_make_a_bounce_an_automatic_reply(self):
        for headers in (
            {"sender": "MAILER-DAEMON@customer.example"},
            {"sender": "System Administrator <Postmaster@customer.example>"},
            {"X_Failed_Recipients": "mary@customer.example"},
            {"Content_Type": "message/rfc822"},
        ):
            with self.subTest(headers=headers):
                self.assertIsNone(automatic_reply(mail(Return_Path="<>", In_Reply_To=OURS, **headers)))
                self.assertTrue(may_be_bounce(mail(Return_Path="<>", In_Reply_To=OURS, **headers)))

    def test_a_message_from_the_null_sender_that_answers_nothing_may_be_a_nonstandard_bounce(self):
        self.assertTrue(may_be_bounce(mail(Return_Path="<>", Subject="Mail Error")))
        self.assertTrue(may_be_bounce(mail(Return_Path="<>", Subject="Mail Error", References="<0@customer.example>")))

    def test_a_vacation_notice_from_the_null_sender_is_not_a_bounce(self):
        for headers in (
            {"In_Reply_To": OURS},
            {"References": OURS.strip("<>")},
            {"Subject": "Automatic reply: Order"},
            {"Auto_Submitted": "auto-replied"},
            {"Auto_Submitted": "auto-replied", "Content_Type": "message/rfc822"},
        ):
            with self.subTest(headers=headers):
                self.assertFalse(may_be_bounce(mail(Return_Path="<>", **headers)))

    # ------------------------------------------------------------------ subjects

    def test_every_phrase_with_a_colon_or_in_brackets_is_a_reply_and_its_answer_is_not(self):
        for language, phrases in PHRASES.items():
            for phrase in phrases:
                for subject in (f"{phrase}: Your offer", f"{phrase.upper()} : x", f"[{phrase}] x", f"【{phrase}】x"):
                    with self.subTest(language=language, subject=subject):
                        self.assertTrue(is_fixed(subject))
                        self.assertFalse(is_loose(f"Re: {subject}"))

    def test_a_loose_phrase_counts_only_beside_another_sign(self):
        for subject in ("Out of office", "Abwesenheitsnotiz einrichten", "Auto: broken gearbox", "Absence on Monday"):
            with self.subTest(subject=subject):
                self.assertFalse(is_fixed(subject))
                self.assertTrue(is_loose(subject))

    def test_words_that_begin_like_a_phrase_are_not_phrases(self):
        for subject in ("Automatic replying machines: offer", "Poissaolo", "Absenteeism", "Automobile: offer", "AUTO"):
            with self.subTest(subject=subject):
                self.assertFalse(is_loose(subject))

    def test_missing_accents_and_full_width_characters_do_not_matter(self):
        for subject in ("Reponse automatique: x", "Raspuns automat: x", "自動応答：x", "OTOMATİK YANIT: x"):
            with self.subTest(subject=subject):
                self.assertTrue(is_fixed(subject))

    def test_the_absence_subject_of_notes_is_recognized_only_after_auto(self):
        self.assertTrue(is_fixed("AUTO: Mary Smith is out of the office."))
        self.assertTrue(is_fixed("AUTO: Mary Smith ist außer Haus (Rückkehr am 18.05.2026)"))
        self.assertFalse(is_fixed("Mary Smith is out of the office"))

    # ------------------------------------------------------------------ senders who may be answered

    def test_a_person_may_be_answered(self):
        for message in (mail(), mail(Auto_Submitted="no"), mail(Return_Path="<mary@customer.example>")):
            self.assertIsNone(unanswerable(message))

    def test_the_null_sender_is_not_answered(self):
        for value in ("<>", " < > ", "", "<MAILER-DAEMON>", "<MAILER-DAEMON@relay.example>"):
            with self.subTest(value=value):
                self.assertEqual(unanswerable(mail(Return_Path=value)).header, "Return-Path")

    def test_a_list_an_unknown_envelope_or_a_missing_author_does_not_prove_a_program(self):
        """A person may have written to the group, or through a server that writes no envelope sender."""
        for headers in (
            {"List_Id": "<orders.mycompany.example>"},
            {"Mailing_List": "list orders@mycompany.example"},
            {"Precedence": "list"},
            {"Precedence": "bulk"},
            {"Return_Path": ""},
            {"Return_Path": "<owner-orders@lists.example>"},
            {"Return_Path": "<orders-request@lists.example>"},
            {"sender": "undisclosed"},
            {"sender": None},
        ):
            with self.subTest(headers=headers):
                self.assertFalse(unanswerable(mail(**headers)).proven)

    def test_list_headers_do_not_weaken_other_proof(self):
        listed = {"List_Id": "<orders.mycompany.example>", "Precedence": "bulk"}
        for proof in (
            {"Auto_Submitted": "auto-generated"},
            {"Return_Path": "<>"},
            {"Return_Path": "<MAILER-DAEMON@customer.example>"},
            {"X_Autoreply": "yes"},
            {"sender": "noreply@customer.example"},
            {"Precedence": "junk"},
        ):
            with self.subTest(proof=proof):
                self.assertTrue(unanswerable(mail(**{**listed, **proof})).proven)

    def test_the_topmost_return_path_counts(self):
        """The last server writes it; those below come from relays before it."""
        self.assertTrue(may_be_answered(mail(Return_Path="<mary@customer.example>\r\nReturn-Path: <>")))

    def test_letters_that_a_service_sends_for_a_person_may_be_answered(self):
        self.assertTrue(may_be_answered(mail(Return_Path="<bounces+17@service.example>")))

    def test_programs_lists_and_senders_who_ask_for_no_replies_are_not_answered(self):
        for headers in (
            {"Auto_Submitted": "auto-generated"},
            {"Auto_Submitted": "auto-notified; x=y"},
            {"Precedence": "bulk"},
            {"Precedence": "List"},
            {"Precedence": "junk"},
            {"List_Id": "<users.lists.example>"},
            {"List_Unsubscribe": "<https://shop.example/u>"},
            {"X_Auto_Response_Suppress": "DR, RN"},
            {"X_Auto_Response_Suppress": "AutoReply"},
            {"X_Auto_Response_Suppress": "ALL"},
            {"X_Autoreply": "yes"},
            {"Subject": "Automatic reply: Order"},
            {"Content_Type": "multipart/report; report-type=disposition-notification"},
        ):
            with self.subTest(headers=headers):
                self.assertEqual(unanswerable(mail(**headers)).header, next(iter(headers)).replace("_", "-"))

    def test_a_sender_who_asks_for_no_receipts_may_be_answered(self):
        self.assertTrue(may_be_answered(mail(X_Auto_Response_Suppress="RN, NRN")))
        self.assertTrue(may_be_answered(mail(X_Auto_Response_Suppress="None")))

    def test_senders_that_are_not_persons_are_not_answered(self):
        for local in (
            *("MAILER-DAEMON", "mailerdaemon", "postmaster", "noreply", "no-reply", "No_Reply", "donotreply"),
            *(
                "do-not-reply",
                "noreply-17",
                "no-reply+tag",
                "invoices-noreply",
                "shop.no-reply",
                "bounce",
                "bounces+17",
            ),
            *("owner-users", "users-owner", "users-request", "users-bounces", "listserv", "majordomo"),
        ):
            with self.subTest(local=local):
                self.assertEqual(unanswerable(mail(f"Somebody <{local}@customer.example>")).header, "From")

    def test_people_with_similar_addresses_may_be_answered(self):
        for local in ("owner", "norma", "postmasters.friend", "request", "bouncer", "nora.reply", "requests"):
            with self.subTest(local=local):
                self.assertIsNone(unanswerable(mail(f"{local}@customer.example")))

    def test_a_message_without_an_author_is_not_answered(self):
        for sender in (None, "", "Mary", "<>"):
            with self.subTest(sender=sender):
                self.assertFalse(may_be_answered(mail(sender)))

    # ------------------------------------------------------------------ any message

    def test_headers_that_the_librarys_parser_fails_on_are_read(self):
        message = mail(Message_Id="<[1@customer.example]>", In_Reply_To="<[2@x]>", Auto_Submitted="auto-replied")
        self.assertTrue(automatic_reply(message))

    def test_messages_of_other_policies_and_messages_built_in_memory_are_read(self):
        built = EmailMessage()
        built["From"], built["Subject"] = "mary@customer.example", "Réponse automatique : x"
        for message in (built, message_from_bytes(bytes(built))):
            self.assertEqual(unanswerable(message).header, "Subject")
        built["X-Autoreply"] = "yes"
        self.assertTrue(automatic_reply(built))
        self.assertTrue(automatic_reply(message_from_bytes(bytes(built))))

    def test_no_header_raises_an_error(self):
        for source in mutations(self.every_eml(), 3000):
            for message in parsed(source):
                self.assertIn(may_be_bounce(message), (True, False))
                for sign in (automatic_reply(message), unanswerable(message)):
                    self.assertDatabaseText("".join(sign[:2] if sign else ()), source)

    def test_headers_that_are_expensive_to_read_are_read_in_bounded_time(self):
        names = ("Subject", "From", "Return-Path", "Auto-Submitted", "References", "X-Auto-Response-Suppress")
        for name in names:
            for piece in ("=?a?q?x", "(", "<", "a@b,", ":", "[a] ", "auto: ", " ", "<a@b>", "no-", "-", "(;"):
                message = message_from_bytes(f"{name}: {piece * (100_000 // len(piece))}\r\n\r\n".encode())
                with self.subTest(name=name, piece=piece):
                    started = time.thread_time()
                    unanswerable(message)
                    self.assertLess(time.thread_time() - started, PATIENCE)
