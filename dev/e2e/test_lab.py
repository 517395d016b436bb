"""The lab itself: databases with other connections on a busy machine, and changes that rebuild the templates."""

import subprocess
import threading

import pytest

from e2e.gateway import until
from lab.host import stamps
from lab.host.paths import ROOT
from lab.odoo import databases, installed
from lab.servers.postgres import USER, binary

# A table on which autovacuum works for a while.
SLOW = """
    CREATE TABLE slow (n integer) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
                                        autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
    INSERT INTO slow SELECT generate_series(1, 200000);
    DELETE FROM slow
"""
# Only a superuser sees this.
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND backend_type = '{}'"


def as_superuser(postgres, *statements, database="postgres"):
    """Run statements in one session of psql."""
    words = [word for statement in statements for word in ("-c", statement)]
    command = [binary("psql"), "-X", "-qAt", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "lab", "-d", database]
    return subprocess.run([*command, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def template(postgres):
    """A small database to copy."""
    name = databases.run_name("e2e", "template")
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def eager_autovacuum(postgres):
    """An autovacuum that looks for work each second."""
    as_superuser(postgres, "ALTER SYSTEM SET autovacuum_naptime = '1s'", "SELECT pg_reload_conf()")
    yield
    as_superuser(postgres, "ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()")


def wait_for(postgres, database, kind):
    """Wait until a backend of this kind is connected to a database."""
    until(lambda: as_superuser(postgres, AT_WORK.format(database, kind)) != "0", every=0.1)


def test_a_database_is_copied_renamed_and_dropped_while_autovacuum_is_at_work_in_it(
    postgres, template, eager_autovacuum
):
    postgres.execute(SLOW, database=template)
    wait_for(postgres, template, "autovacuum worker")
    postgres.create_database(f"{template}_copy", template)
    postgres.drop_database(f"{template}_copy")
    wait_for(postgres, template, "autovacuum worker")
    postgres.rename_database(template, f"{template}_2")
    wait_for(postgres, f"{template}_2", "autovacuum worker")
    postgres.drop_database(f"{template}_2")
    assert f"{template}_2" not in postgres.databases()


def test_a_database_is_copied_once_a_session_that_cannot_be_ended_has_left_it(postgres, template):
    # PostgreSQL itself waits for five seconds
    stays = threading.Thread(target=as_superuser, args=(postgres, "SELECT pg_sleep(6)"), kwargs={"database": template})
    stays.start()
    wait_for(postgres, template, "client backend")
    postgres.create_database(f"{template}_copy", template)
    stays.join()
    postgres.drop_database(f"{template}_copy")


def test_clients_are_disconnected(postgres, template):
    connection = postgres.connect(template)
    postgres.drop_database(template)
    assert not postgres.execute("SELECT FROM pg_stat_activity WHERE datname = %s AND usename = %s", template, USER)
    connection.close()
    postgres.create_database(template)


def test_every_file_of_tests_is_run():
    """Odoo's runner finds test files only in packages below tests/, and reports no folder that is not a package."""
    folders = {file.parent for file in (ROOT / "mail_gateway" / "tests").rglob("test_*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


ADDON = {
    "__init__.py": "from . import models\nfrom .hooks import post_init_hook\n",
    "__manifest__.py": '{"name": "An addon", "data": ["views.xml"]}\n',
    "views.xml": "<odoo/>\n",
    "hooks.py": """
def post_init_hook(env):
    _prepare(env)

def _prepare(env):
    env["rule"].search([]).write({"sequence": 1})
""",
    "models/__init__.py": "from . import rule\n",
    "models/rule.py": """
from odoo import api, fields, models
from ..tools.causes import CAUSES, words

MOST = 100

class Rule(models.Model):
    _name = "rule"
    sequence = fields.Integer(default=MOST, help="The smallest comes first.")
    cause = fields.Selection(selection="_selection_causes")
    title = fields.Char(compute="_compute_title")
    _positive = models.Constraint("CHECK(sequence > 0)")

    @api.model
    def _selection_causes(self):
        return [(cause, self._label(cause)) for cause in CAUSES]

    def _label(self, cause):
        return cause.upper()

    @api.depends("sequence")
    def _compute_title(self):
        for rule in self:
            rule.title = words(rule.sequence)
""",
    "tools/causes.py": """
CAUSES = ("loop", "limit")
WORDS = "rule {}"

def words(number):
    return WORDS.format(number)
""",
    "tests/test_rule.py": "NUMBER = 1\n",
}


@pytest.fixture
def addon(tmp_path):
    """A small addon."""
    for name, text in ADDON.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def is_installed_anew(addon, name, old, new):
    """Tell whether the templates are built again when this text of a file is replaced."""
    before = stamps.digest(*installed.parts(addon))
    assert old in ADDON[name]
    (addon / name).write_text(ADDON[name].replace(old, new))
    return stamps.digest(*installed.parts(addon)) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("models/rule.py", "words(rule.sequence)", "'a rule'", id="body"),
        pytest.param(
            "models/rule.py", "    def _label", "    def _new(self):\n        pass\n\n    def _label", id="new_method"
        ),
        pytest.param(
            "models/rule.py", "        for rule in self", "        # each\n        for rule in self", id="comment"
        ),
        pytest.param("tools/causes.py", '"rule {}"', '"Rule {}"', id="what_only_a_body_uses"),
        pytest.param("tests/test_rule.py", "1", "2", id="test"),
    ],
)
def test_a_change_in_the_body_of_a_method_needs_no_new_installation(addon, name, old, new):
    assert not is_installed_anew(addon, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("models/rule.py", "fields.Integer(", "fields.Float(", id="field"),
        pytest.param("models/rule.py", "comes first", "comes last", id="help"),
        pytest.param("models/rule.py", "MOST = 100", "MOST = 10", id="default"),
        pytest.param("models/rule.py", "sequence > 0", "sequence >= 0", id="constraint"),
        pytest.param("models/rule.py", 'depends("sequence")', 'depends("cause")', id="decorator"),
        pytest.param("models/rule.py", "for cause in CAUSES", "for cause in CAUSES[1:]", id="selection"),
        pytest.param("models/rule.py", "cause.upper()", "cause.title()", id="what_a_selection_calls"),
        pytest.param("tools/causes.py", '"limit"', '"size"', id="what_a_selection_uses"),
        pytest.param("hooks.py", '"sequence": 1', '"sequence": 2', id="hook"),
        pytest.param("__manifest__.py", '["views.xml"]', "[]", id="manifest"),
        pytest.param("views.xml", "<odoo/>", "<odoo><data/></odoo>", id="view"),
    ],
)
def test_a_change_of_what_the_database_stores_needs_a_new_installation(addon, name, old, new):
    assert is_installed_anew(addon, name, old, new)
