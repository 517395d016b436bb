"""The rules for incoming mail."""

import logging
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta

import psycopg2

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...tools.delivery import Delivery
from ...tools.policy import Action, CheckInput, RuleResult, Stage
from ...tools.trace import Judged
from .mail_check import PREFIX

_logger = logging.getLogger(__name__)


class MailInboundRule(models.Model):
    """The policy for incoming mail, as a table: the first rule that matches decides.

    Odoo evaluates the rules in three stages: before it parses a message, before it routes the message, and once the
    route is known. Within a stage they have a sequence.
    """

    _name = "mail.inbound.rule"
    _description = "Inbound Rule"
    _order = "stage, sequence, id"

    name = fields.Char(required=True, translate=True)
    check = fields.Selection(
        selection="_selection_checks", required=True, help="The property of a message that the rule looks for."
    )
    action = fields.Selection(
        [
            (Action.ACCEPT.value, "Accept"),
            (Action.NOTE.value, "Log as Note"),
            (Action.HOLD.value, "Hold"),
            (Action.DEFER.value, "Defer"),
            (Action.REJECT.value, "Reject"),
            (Action.DISCARD.value, "Discard"),
        ],
        required=True,
        help="What Odoo does with a message that matches.\n"
        "Accept: processes it, and evaluates no further rule.\n"
        "Log as Note: logs it as a note on the record that it answers, and notifies nobody. Discards it when it answers "
        "no record.\n"
        "Hold: holds it until a postmaster decides.\n"
        "Defer: evaluates the rules again later.\n"
        "Reject: notifies the sender, unless the message was sent automatically.\n"
        "Discard: ends it without notifying the sender. It stays listed, with its source.",
    )
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    stage = fields.Selection(
        [
            (str(Stage.SOURCE.value), "Before Parsing"),
            (str(Stage.MESSAGE.value), "Before Routing"),
            (str(Stage.ROUTE.value), "After Routing"),
        ],
        compute="_compute_stage",
        store=True,
        help="When Odoo evaluates the rule. It depends on the check.",
    )
    explanation = fields.Text("Condition", compute="_compute_explanation", help="Which messages match the rule.")
    hits_day = fields.Integer(
        "Matches (24 h)", compute="_compute_hits", help="Messages that matched the rule in the last 24 hours."
    )
    hits_month = fields.Integer(
        "Matches (30 Days)", compute="_compute_hits", help="Messages that matched the rule in the last 30 days."
    )

    @api.model
    def _selection_checks(self):
        """Return (name, label) of the checks of all installed addons, sorted by label."""
        labels = {name: self.env["ir.model"]._get(name).name or self.env[name]._description for name in self._checks()}
        return sorted(((name.removeprefix(PREFIX), label) for name, label in labels.items()), key=lambda pair: pair[1])

    def _checks(self):
        """Return the names of the models of all checks."""
        return [name for name in self.env.registry if name.startswith(PREFIX)]

    def _check(self):
        """Return the check; None when its addon is uninstalled."""
        name = f"{PREFIX}{self.check}"
        return self.env.get(name)

    @api.depends("check")
    def _compute_stage(self):
        for rule in self:
            check = rule._check()
            rule.stage = str((Stage.MESSAGE if check is None else check._stage).value)

    def _register_hook(self):
        """Extends core's method: updates the stages of rules, because addons and their checks may have changed.

        It writes nothing when nothing changed. It ignores database errors, since only the list shows the stage: another
        host that starts at this moment writes the same, and a database that was not updated yet may have no rules.
        """
        super()._register_hook()
        stages = {name.removeprefix(PREFIX): str(self.env[name]._stage.value) for name in self._checks()}
        with suppress(psycopg2.Error), self.env.cr.savepoint(flush=False):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE mail_inbound_rule rule SET stage = known.stage
                      FROM unnest(%s, %s) AS known ("check", stage)
                     WHERE rule."check" = known."check" AND rule.stage != known.stage
                    """,
                    list(stages),
                    list(stages.values()),
                ),
                log_exceptions=False,
            )
        self.invalidate_model(["stage"], flush=False)

    @api.depends("check")
    def _compute_explanation(self):
        for rule in self:
            check = rule._check()
            rule.explanation = check is not None and check._explanation()

    def _compute_hits(self):
        now = fields.Datetime.now()
        for field, days in (("hits_day", 1), ("hits_month", 30)):
            since = [("rule_id", "in", self.ids), ("create_date", ">=", now - timedelta(days=days))]
            groups = self.env["mail.inbound.rule.hit"].sudo()._read_group(since, ["rule_id"], ["__count"])
            hits = defaultdict(int, {rule.id: count for rule, count in groups})
            for rule in self:
                rule[field] = hits[rule.id]

    def action_open_messages(self):
        """List the messages that matched the rule in the last month.

        :raises AccessError: when the user is no postmaster
        """
        self.ensure_one()
        self.check_access("read")
        hits = self.env["mail.inbound.rule.hit"].search([("rule_id", "=", self.id)])
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action")
        return {**action, "domain": [("id", "in", hits.inbound_message_id.ids)], "context": {}}

    # ------------------------------------------------------------------ judging

    @api.model
    def _judge(self, delivery: Delivery, stage: Stage):
        """Evaluate the rules of a stage for a message, until one matches; the delivery records the rule results.

        Rules that only need the size are evaluated once: before the source is read, or otherwise by message_process.
        """
        if delivery.trace.rule or (stage is Stage.SOURCE and delivery.was_judged(Stage.SOURCE)):
            return
        delivery.trace.add(Judged(stage))
        known = delivery.check_input
        for rule in self.sudo()._active_rules().get(stage, ()):
            if not delivery.skips(rule.check, rule.action):
                result = self._ask(rule, known)
                delivery.record(result)
                _logger.debug("Inbound message %s, rule %s: %s", known.inbound_id, rule.check, result.reason or "-")
            if delivery.trace.rule:
                return

    @api.model
    def _ask(self, rule: RuleResult, incoming: CheckInput) -> RuleResult:
        # without the delivery, a check can decide only by its answer
        check = self.env[f"{PREFIX}{rule.check}"].with_context(**{Delivery.KEY: None})
        return rule._replace(reason=check._look(incoming) or "")

    @api.model
    @tools.ormcache("self.env.lang")
    def _active_rules(self) -> dict[Stage, tuple[RuleResult, ...]]:
        """Return the active rules in their order, by stage, each as a rule result without a reason."""
        by_stage = defaultdict(list)
        # the check decides about the stage, because the stage in the database may be older than the code
        rules = self.with_context(active_test=True).search(Domain.TRUE, order="sequence, id")
        for rule in rules.filtered(lambda rule: rule._check() is not None):
            by_stage[rule._check()._stage].append(RuleResult(rule.id, rule.name, rule.check, rule.action))
        return {stage: tuple(rules) for stage, rules in by_stage.items()}

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: the next message is judged by the saved rules."""
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        """Extends core's method: the next message is judged by the saved rules.

        :raises UserError: when a rule is dragged to another stage
        """
        if any(rule.stage != vals["stage"] for rule in self if "stage" in vals):
            raise UserError(
                self.env._("The stage of a rule depends on its check. Move the rule within its stage only.")
            )
        self.env.registry.clear_cache()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_but_shipped(self):
        """Prevent the deletion of rules that came with an addon, because updating the addon would not restore them.

        :raises UserError: when a rule came with an addon
        """
        names = self.get_external_id()
        shipped = self.filtered(lambda rule: names[rule.id] and not names[rule.id].startswith("__"))
        if shipped:
            words = ", ".join(shipped.mapped("name"))
            raise UserError(
                self.env._("Rules that came with an addon can't be deleted. Archive them instead: %s", words)
            )

    def unlink(self):
        """Extends core's method: the next message is judged by the saved rules."""
        self.env.registry.clear_cache()
        return super().unlink()
