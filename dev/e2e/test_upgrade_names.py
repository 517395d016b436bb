"""A database of 19.0.1.2.0, whose models and fields had other names, is updated and loses nothing."""

import pytest

from e2e.gateway import DOMAIN, Gateway, message
from e2e.old_version import OldVersion, addons_of
from lab.odoo import databases

# The last commit of 19.0.1.2.0.
OLD_VERSION = "35e62ebcf797528b03e1247faf6d5449734cbd0b"
RENAMED = {
    "mail_inbound_claim": "mail_inbound_message_id_lock",
    "mail_inbound_hit": "mail_inbound_rule_hit",
    "mail_inbound_creation": "mail_inbound_created_record",
    "mail_inbound_notice": "mail_inbound_sender_notice",
}
# Without those of inheritance, which Odoo assigns to the module that it happens to load at that time.
EXTERNAL_IDS = """
    SELECT model, name FROM ir_model_data WHERE module = 'mail_gateway' AND model != 'ir.model.inherit'
     ORDER BY model, name
"""
SCHEMA = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name ~ '^mail_(inbound|former|outgoing|postmaster|server)_'
     ORDER BY table_name, column_name
"""
# Without those of many2many tables, which are named after the side that existed first.
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
     WHERE tablename ~ '^mail_(inbound|former|outgoing|postmaster|server)_' AND tablename !~ '_rel$'
     ORDER BY indexname
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, contype::text FROM pg_constraint
     WHERE contype != 'n' AND conrelid::regclass::text ~ '^mail_(inbound|former|outgoing|postmaster|server)_' ORDER BY 1, 2
"""
DANGLING = """
    SELECT data.name FROM ir_model_data data
 LEFT JOIN ir_model model ON data.model = 'ir.model' AND model.id = data.res_id
     WHERE data.module = 'mail_gateway' AND data.model = 'ir.model' AND model.id IS NULL
"""


def rows_of(gateway, tables):
    """Return a dictionary from a table to its rows, as dictionaries."""
    return {
        table: [row for (row,) in gateway.sql(f"SELECT row_to_json(t) FROM {table} t ORDER BY id")] for table in tables
    }


class Used(OldVersion):
    """A database with 19.0.1.2.0 in use."""

    def use(self):
        """Create mail of each kind, and what people save."""
        loop = message("Twice", message_id="<twice@customer.example>", sender="Mary <mary@customer.example>").decode()
        nobody = message("Nobody", to=f"catchall@{DOMAIN}", sender="Bob <bob@customer.example>").decode()
        broken = (
            "From: <x@customer.example\r\nTo: leads@" + DOMAIN + "\r\nContent-Type: text/plain; charset=nowhere\r\n"
        )
        for source in (loop, loop, nobody, broken + "Message-Id: <b@x>\r\n\r\nText"):
            self.call("mail.thread", "message_process", False, source)
        self.call(
            "ir.filters",
            "create",
            {
                "name": "Not as they came",
                "model_id": "mail.inbound.message",
                "domain": "[('flaws', '!=', False)]",
                "context": "{'group_by': ['state']}",
                "sort": '["flaws"]',
            },
        )
        [model] = self.call("ir.model", "search", [["model", "=", "mail.inbound.hit"]])
        self.call(
            "ir.model.access",
            "create",
            {"name": "own", "model_id": model, "perm_read": True, "group_id": self.group("base", "group_user")},
        )
        self.call("ir.filters", "create", {"name": "Hits", "model_id": "mail.inbound.hit", "domain": "[]"})

    def group(self, module, name):
        """Return the id of a group."""
        [found] = self.call("ir.model.data", "search_read", [["module", "=", module], ["name", "=", name]], ["res_id"])
        return found["res_id"]


@pytest.fixture(scope="module")
def upgraded(postgres, tmp_path_factory):
    """A database in which 19.0.1.2.0 was in use, updated; `before` is what its tables contained."""
    addons = addons_of(OLD_VERSION, tmp_path_factory.mktemp("old_version"))
    old = Used(databases.clone("base", databases.run_name("e2e", "of_19_0_1_2_0")), addons)
    try:
        old.install()
        assert old.version() == "19.0.1.2.0"
        old.prepare().use()
        old.before = rows_of(old, RENAMED)
        old.messages = old.sql("SELECT id, flaws, answers::text FROM mail_inbound_message ORDER BY id")
        old.upgrade()
        yield old
    finally:
        old.stop()
        databases.drop(old.database)


@pytest.fixture(scope="module")
def fresh(module_database):
    """A database in which the present version was installed."""
    return Gateway(module_database)


def test_rows_of_renamed_models_are_kept(upgraded):
    assert all(upgraded.before[table] for table in RENAMED), upgraded.before
    after = rows_of(upgraded, RENAMED.values())
    for table, new in RENAMED.items():
        assert [
            {key: row[key] for key in old} for old, row in zip(upgraded.before[table], after[new], strict=True)
        ] == (upgraded.before[table])


def test_values_of_renamed_fields_are_kept(upgraded):
    assert any(flaws for _id, flaws, _answers in upgraded.messages)
    assert all(answers for _id, _flaws, answers in upgraded.messages)
    found = upgraded.sql("SELECT id, defects, rule_results::text FROM mail_inbound_message ORDER BY id")
    assert found == upgraded.messages


def test_saved_filters_and_access_rights_are_renamed(upgraded):
    [saved] = upgraded.sql("SELECT domain, sort FROM ir_filters WHERE name = 'Not as they came'")
    assert saved == ("[('defects', '!=', False)]", '["defects"]')
    assert upgraded.sql("SELECT model_id FROM ir_filters WHERE name = 'Hits'") == [("mail.inbound.rule.hit",)]
    own = "SELECT model.model FROM ir_model_access access JOIN ir_model model ON model.id = access.model_id"
    assert upgraded.sql(f"{own} WHERE access.name = 'own'") == [("mail.inbound.rule.hit",)]


def test_tables_are_those_of_a_new_database(upgraded, fresh):
    for statement in (SCHEMA, INDEXES, CONSTRAINTS):
        assert upgraded.sql(statement) == fresh.sql(statement)


def test_external_ids_are_those_of_a_new_database(upgraded, fresh):
    assert upgraded.sql(EXTERNAL_IDS) == fresh.sql(EXTERNAL_IDS)
    assert upgraded.sql(DANGLING) == []


def test_messages_are_shown_and_come_in(upgraded):
    fields = ["subject", "rule_results_table", "defects"]
    messages = upgraded.call("mail.inbound.message", "search_read", [], fields)
    assert len(messages) == len(upgraded.messages)
    new = message("After the upgrade", sender="Ann <ann@customer.example>").decode()
    assert upgraded.call("mail.thread", "message_process", False, new)
