"""The addon's strings, for translators."""

from lab.host.console import say
from lab.odoo import databases, source
from lab.odoo.runs import shell
from lab.servers.postgres import Postgres

_EXPORT = """
from odoo.tools.translate import trans_export
with open({file!r}, "wb") as output:
    trans_export(None, ["mail_gateway"], output, "po", env)
"""


def write_template():
    """Write mail_gateway/i18n/mail_gateway.pot from the addon as it is now."""
    file = source.ADDON / "i18n" / "mail_gateway.pot"
    file.parent.mkdir(exist_ok=True)
    database = databases.run_name("pot")
    with Postgres():
        databases.clone("gateway", database)
        try:
            shell(database, _EXPORT.format(file=str(file)))
        finally:
            databases.drop(database)
    say(f"{file.relative_to(source.ROOT)} is up to date.")
