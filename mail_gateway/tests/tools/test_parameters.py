from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.parameters import MAX_NUMBER, PARAMETERS, BadValue, ParameterProblem, good_entries


class TestToolsParameters(ToolsCase):
    def read(self, key, text):
        return PARAMETERS[key].read(text)

    def assertProblem(self, key, text, problem, part=None):
        with self.assertRaises(BadValue, msg=f"{key}: {text!r}") as caught:
            self.read(key, text)
        self.assertEqual((caught.exception.problem, caught.exception.part), (problem, text if part is None else part))

    def test_every_default_is_a_good_value(self):
        for key, parameter in PARAMETERS.items():
            if parameter.default:
                self.assertEqual(self.read(key, parameter.default), parameter.default)

    def test_the_documented_parameters_are_created_with_the_documented_defaults(self):
        created = {key: parameter.default for key, parameter in PARAMETERS.items() if parameter.created}
        self.assertEqual(
            created,
            {
                "mail.catchall.alias": "catchall",
                "mail.bounce.alias": "bounce",
                "mail.default.from": "notifications",
                "mail.incoming.limit.period": "60",
                "mail.incoming.limit.alias": "5",
            },
        )

    def test_a_domain_is_stored_in_lower_case_and_idna(self):
        self.assertEqual(self.read("mail.catchall.domain", " MyCompany.Example\n"), "mycompany.example")
        self.assertEqual(self.read("mail.catchall.domain", "Café.example"), "xn--caf-dma.example")

    def test_an_invalid_domain_is_refused(self):
        for text in (
            "",
            "my company.example",
            "@mycompany.example",
            "a..b",
            "-a.example",
            "info@mycompany.example",
            "a,b",
        ):
            self.assertProblem("mail.catchall.domain", text, ParameterProblem.DOMAIN)

    def test_a_local_part_is_stored_in_lower_case(self):
        self.assertEqual(self.read("mail.catchall.alias", " Catch.All+1 "), "catch.all+1")

    def test_an_invalid_local_part_is_refused(self):
        texts = (
            "",
            "catch all",
            "catchall@mycompany.example",
            ".catchall",
            "a..b",
            "câtchall",
            "(a)",
            "c" * 65,
            "a\nb",
        )
        for key in ("mail.catchall.alias", "mail.bounce.alias"):
            for text in texts:
                self.assertProblem(key, text, ParameterProblem.LOCAL_PART)

    def test_the_default_from_is_a_local_part_or_an_address(self):
        self.assertEqual(self.read("mail.default.from", "Notifications"), "notifications")
        self.assertEqual(self.read("mail.default.from", "Info@Café.example"), "info@xn--caf-dma.example")

    def test_the_default_from_may_be_empty(self):
        self.assertEqual(self.read("mail.default.from", " "), "")

    def test_an_invalid_default_from_is_refused(self):
        for text in (
            "info@",
            "@mycompany.example",
            "a@b@c.example",
            "Odoo <info@mycompany.example>",
            "no tices",
            "ï@a.example",
        ):
            self.assertProblem("mail.default.from", text, ParameterProblem.SENDER)

    def test_a_filter_is_kept_as_it_was_typed(self):
        text = "MyCompany.example, info@Café.example"
        self.assertEqual(self.read("mail.default.from_filter", f" {text} "), text)

    def test_a_filter_without_entries_is_empty(self):
        self.assertEqual(self.read("mail.default.from_filter", " , "), "")

    def test_the_bad_entry_of_a_filter_is_named(self):
        self.assertProblem(
            "mail.default.from_filter",
            "mycompany.example, in fo@mycompany.example",
            ParameterProblem.FILTER,
            "in fo@mycompany.example",
        )

    def test_the_good_entries_of_a_filter_are_kept(self):
        self.assertEqual(good_entries("a.example, b b, info@c.example, @"), "a.example,info@c.example")

    def test_leading_zeros_of_numbers_are_removed(self):
        self.assertEqual(self.read("mail.incoming.limit.period", " 060 "), "60")

    def test_a_limit_is_a_whole_number_of_at_least_one(self):
        texts = ("", "0", "-1", "5.5", "five", "1e3", "٦", "6_0", "+6", str(MAX_NUMBER + 1), "9" * 40)
        for key in ("mail.incoming.limit.period", "mail.incoming.limit.alias"):
            for text in texts:
                self.assertProblem(key, text, ParameterProblem.NUMBER)
            self.assertEqual([self.read(key, text) for text in ("1", str(MAX_NUMBER))], ["1", str(MAX_NUMBER)])

    def test_the_number_of_lanes_is_at_most_sixteen(self):
        self.assertEqual(self.read("mail_gateway.lanes", "16"), "16")
        with self.assertRaises(BadValue) as caught:
            self.read("mail_gateway.lanes", "17")
        self.assertEqual((caught.exception.problem, caught.exception.most), (ParameterProblem.NUMBER, 16))

    def test_alerts_are_a_notification_an_activity_or_nothing(self):
        texts = (" Notification", "activity", "NOTHING")
        self.assertEqual(
            [self.read("mail_gateway.alert", text) for text in texts], ["notification", "activity", "nothing"]
        )
        for text in ("", "none", "e-mail"):
            self.assertProblem("mail_gateway.alert", text, ParameterProblem.ALERT)

    def test_a_scope_is_sender_or_alias(self):
        self.assertEqual(
            [self.read("mail.incoming.limit.scope", text) for text in ("Sender", " alias")], ["sender", "alias"]
        )
        for text in ("", "company"):
            self.assertProblem("mail.incoming.limit.scope", text, ParameterProblem.SCOPE)
