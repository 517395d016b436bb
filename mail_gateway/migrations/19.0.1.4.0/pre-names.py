"""Rename models and fields, with their rows, access rights, external ids and what people saved about them."""

from odoo.tools import SQL
from odoo.tools.sql import column_exists, table_exists

_MODELS = {
    "mail.inbound.claim": "mail.inbound.message.id.lock",
    "mail.inbound.hit": "mail.inbound.rule.hit",
    "mail.inbound.creation": "mail.inbound.created.record",
    "mail.inbound.notice": "mail.inbound.sender.notice",
    "mail.inbound.receipt": "mail.inbound.acknowledgement",
    "mail.inbound.alert": "mail.postmaster.alert",
    "mail.inbound.rehearsal": "mail.inbound.dry.run",
}
# Dialogs. Their tables are dropped, with the rows of open ones: the ORM creates them again.
_DIALOGS = {
    "mail.inbound.alike": "mail.inbound.bulk.decision",
    "mail.server.probe.step": "mail.server.connection.test.step",
    "mail.server.probe": "mail.server.connection.test",
}
_FIELDS = {
    "mail.inbound.message": {
        "flaws": "defects",
        "answers": "rule_results",
        "answers_table": "rule_results_table",
    },
}
# External ids of views and actions. Access rights, rules and fields are named after their models and follow them.
_EXTERNAL_IDS = {
    "mail_inbound_message_action_alike": "mail_inbound_message_action_bulk_decision",
    "ir_mail_server_view_form_probe": "ir_mail_server_view_form_connection_test",
    "inbound_answers_table": "inbound_rule_results_table",
}
# Columns that hold the name of a model as text.
_NAMED_IN = (
    ("ir_model", "model"),
    ("ir_model_fields", "model"),
    ("ir_model_fields", "relation"),
    ("ir_ui_view", "model"),
    ("ir_act_window", "res_model"),
    ("ir_act_server", "model_name"),
    ("ir_filters", "model_id"),
    ("ir_exports", "resource"),
    ("ir_attachment", "res_model"),
    ("ir_embedded_actions", "parent_res_model"),
    ("mail_message", "model"),
    ("mail_followers", "res_model"),
    ("mail_activity", "res_model"),
    ("mail_activity_type", "res_model"),
    ("mail_activity_plan", "res_model"),
    ("mail_template", "model"),
)


def migrate(cr, version):
    """Rename before the ORM loads: it would create new tables and fields, and delete the old ones with their data."""
    for old, new in _DIALOGS.items():
        cr.execute(SQL("DROP TABLE IF EXISTS %s CASCADE", SQL.identifier(_table(old))))
        _drop_relations(cr, _table(old))
        _rename_model(cr, old, new)
    for old, new in _MODELS.items():
        _rename_table(cr, _table(old), _table(new))
        _rename_model(cr, old, new)
    for model, names in _FIELDS.items():
        for old, new in names.items():
            _rename_field(cr, model, old, new)
    for old, new in _EXTERNAL_IDS.items():
        cr.execute("UPDATE ir_model_data SET name = %s WHERE module = 'mail_gateway' AND name = %s", (new, old))


def _table(model):
    return model.replace(".", "_")


def _rename_table(cr, old, new):
    """Rename the table with its sequence, indexes and constraints, which the ORM looks up by name."""
    if not table_exists(cr, old) or table_exists(cr, new):
        return
    cr.execute(SQL("ALTER TABLE %s RENAME TO %s", SQL.identifier(old), SQL.identifier(new)))
    cr.execute(
        """
        SELECT 'constraint', conname FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype != 'n'
         UNION ALL
        SELECT 'index', indexrelid::regclass::text FROM pg_index
         WHERE indrelid = %(table)s::regclass AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)
        """,
        {"table": new},
    )
    for kind, name in cr.fetchall():
        if not name.startswith(f"{old}_"):
            continue
        names = SQL.identifier(name), SQL.identifier(f"{new}{name.removeprefix(old)}"[:63])
        if kind == "constraint":
            cr.execute(SQL("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", SQL.identifier(new), *names))
        else:
            cr.execute(SQL("ALTER INDEX %s RENAME TO %s", *names))
    cr.execute(
        SQL(
            "ALTER SEQUENCE IF EXISTS %s RENAME TO %s", SQL.identifier(f"{old}_id_seq"), SQL.identifier(f"{new}_id_seq")
        )
    )


def _drop_relations(cr, table):
    """Drop the tables of a dialog's many2many fields."""
    cr.execute("SELECT name FROM ir_model_relation WHERE starts_with(name, %s)", (f"{table}_",))
    for (name,) in cr.fetchall():
        cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(name)))
        cr.execute("DELETE FROM ir_model_relation WHERE name = %s", (name,))


def _rename_model(cr, old, new):
    for table, column in _NAMED_IN:
        if column_exists(cr, table, column):
            names = {"table": SQL.identifier(table), "column": SQL.identifier(column)}
            cr.execute(
                SQL("UPDATE %(table)s SET %(column)s = %(new)s WHERE %(column)s = %(old)s", new=new, old=old, **names)
            )
    old, new = _table(old), _table(new)
    cr.execute(
        "UPDATE ir_model_constraint SET name = %s || substr(name, %s) WHERE starts_with(name, %s)",
        (new, len(old) + 1, f"{old}_"),
    )
    # model_x, field_x__name, constraint_x_name, selection__x__name__value, access_x_group, x_rule_own, x_view_form
    cr.execute(
        r"""
        UPDATE ir_model_data SET name = regexp_replace(name, %(old)s, %(new)s)
         WHERE name ~ %(old)s AND (module = 'mail_gateway' OR model IN ('ir.model', 'ir.model.fields'))
        """,
        {"old": rf"(^|_){old}(?=_|$)", "new": rf"\1{new}"},
    )


def _rename_field(cr, model, old, new):
    table = _table(model)
    if column_exists(cr, table, old) and not column_exists(cr, table, new):
        cr.execute(
            SQL(
                "ALTER TABLE %s RENAME COLUMN %s TO %s", SQL.identifier(table), SQL.identifier(old), SQL.identifier(new)
            )
        )
    cr.execute("UPDATE ir_model_fields SET name = %s WHERE model = %s AND name = %s", (new, model, old))
    cr.execute(
        "UPDATE ir_model_data SET name = %s WHERE module = 'mail_gateway' AND name = %s",
        (f"field_{table}__{new}", f"field_{table}__{old}"),
    )
    # what people saved: in domains the first item of a condition, elsewhere any text in quotes
    for name in ("domain", "context", "sort"):
        start, end = (r"[(\[]\s*", r"\s*,") if name == "domain" else ("", "")
        pattern, replacement = rf"""({start}['"]){old}(?=['"]{end})""", rf"\1{new}"
        column = SQL.identifier(name)
        change = SQL("%s = regexp_replace(%s, %s, %s, 'g')", column, column, pattern, replacement)
        cr.execute(SQL("UPDATE ir_filters SET %s WHERE model_id = %s", change, model))
    cr.execute(
        """
        UPDATE ir_exports_line line SET name = %s FROM ir_exports export
         WHERE export.id = line.export_id AND export.resource = %s AND line.name = %s
        """,
        (new, model, old),
    )
