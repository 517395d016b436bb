"""The results of rules, as a table."""

from odoo import api, fields, models


class MailInboundMessage(models.Model):
    """The result of each rule for a message, as a table."""

    _inherit = "mail.inbound.message"

    # the template escapes the content
    rule_results_table = fields.Html("Rules", compute="_compute_rule_results_table", sanitize=False)

    @api.depends("rule_results", "judged_date", "rule_id")
    def _compute_rule_results_table(self):
        for message in self:
            rules = message.env["mail.inbound.rule"]
            message.rule_results_table = message.rule_results and rules._rule_results_table(
                message.rule_results, message.judged_date
            )


class MailInboundRule(models.Model):
    """Renders results of rules."""

    _inherit = "mail.inbound.rule"

    @api.model
    def _rule_results_table(self, rule_results, judged_date=None):
        """Render a table of the rules that were evaluated, in their order, and then of those that were not.

        :param list rule_results: dictionaries of tools.policy.RuleResult; they come from JSON, so keys may be missing
        :param datetime judged_date: when they were evaluated: newer rules are left out; None for now
        :return: escaped HTML
        :rtype: markupsafe.Markup
        """
        evaluated = {result.get("rule_id") for result in rule_results}
        rows = [*map(self._rule_result_row, rule_results), *self._rows_not_evaluated(evaluated, judged_date)]
        return self.env["ir.qweb"]._render("mail_gateway.inbound_rule_results_table", {"rows": rows})

    def _rule_result_row(self, result):
        values = {key: result.get(key) or "" for key in ("name", "check", "action")}
        return {**self._in_words(**values), "result": result.get("reason") or "", "evaluated": True}

    def _rows_not_evaluated(self, evaluated, judged_date):
        """Yield active rules after the one that matched, and those that the decision of a person overruled."""
        # sudo: mail.inbound.rule - rules are no secret to users who may see the message
        for rule in (rule for rules in self.sudo()._active_rules().values() for rule in rules):
            if rule.rule_id not in evaluated and not (judged_date and self._is_newer(rule, judged_date)):
                yield {**self._in_words(rule.name, rule.check, rule.action), "result": "", "evaluated": False}

    def _is_newer(self, rule, date):
        return self.sudo().browse(rule.rule_id).create_date > date

    def _in_words(self, name, check, action):
        """Return the labels that the list of rules shows; the technical name of a check whose addon is uninstalled."""
        return {
            "name": name,
            "check": dict(self.sudo()._selection_checks()).get(check, check),
            "action": dict(self._fields["action"]._description_selection(self.env)).get(action, action),
        }
