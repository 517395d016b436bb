"""Rules on a real server: a limit that two lanes can't exceed together, and a check of another addon."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.gateway import Gateway, message
from lab.host.paths import ROOT
from lab.odoo import source
from lab.odoo.runs import run

ONE_SENDER = "Busy <busy@customer.example>"


def test_two_lanes_do_not_exceed_the_limit_together(gateway, dovecot, mailbox):
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put_all(mailbox, [message(f"Busy {n}", sender=ONE_SENDER) for n in range(16)])
    gateway.fetch(server)
    gateway.settle()
    rows = gateway.sql("SELECT state, count(*) FROM mail_inbound_message WHERE server_id = %s GROUP BY state", server)
    assert dict(rows) == {"delivered": 5, "held": 11}
    assert len(gateway.leads(server)) == 5
    [(told,)] = gateway.sql("SELECT count(told_date) FROM mail_inbound_message WHERE server_id = %s", server)
    assert told == 1, "the sender is told once"


def test_a_program_and_a_lane_do_not_both_post_the_same_reply(gateway, dovecot, mailbox):
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    root = f"<root.{mailbox}>"
    dovecot.put(mailbox, message("Order", message_id=root))
    gateway.fetch(server)
    gateway.settle()
    reply = message("Re: Racing", message_id=f"<reply.{mailbox}>", In_Reply_To=root)
    dovecot.put(mailbox, reply)
    gateway.sql(SLOW_REPLIES)
    try:
        with ThreadPoolExecutor() as others:
            call = others.submit(gateway.call, "mail.thread", "message_process", False, reply.decode())
            gateway.fetch(server)
            gateway.settle()
            call.result()
    finally:
        gateway.sql("DROP FUNCTION slow_reply CASCADE")
    [(posted,)] = gateway.sql("SELECT count(*) FROM mail_message WHERE message_id = %s", f"<reply.{mailbox}>")
    assert posted == 1
    rows = gateway.sql("SELECT state FROM mail_inbound_message WHERE subject = 'Re: Racing'")
    assert sorted(state for (state,) in rows) == ["delivered", "discarded"]


# Posting a reply takes so long that another process begins meanwhile.
SLOW_REPLIES = """
    CREATE FUNCTION slow_reply() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.subject = 'Re: Racing' THEN
            PERFORM pg_sleep(2);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER slow_reply BEFORE INSERT ON mail_message FOR EACH ROW EXECUTE FUNCTION slow_reply();
"""


@pytest.fixture
def extended_gateway(database, tmp_path):
    """A gateway with the addon that docs/rules.md shows."""
    python, xml = documented_examples()
    addon = tmp_path / "mail_check_program"
    addon.mkdir()
    (addon / "__manifest__.py").write_text(
        '{"name": "Programs", "depends": ["mail_gateway"], "data": ["rule.xml"], "license": "LGPL-3"}'
    )
    (addon / "__init__.py").write_text(python)
    (addon / "rule.xml").write_text(f"<odoo>{xml}</odoo>")
    addons_path = ("--addons-path", f"{ROOT},{tmp_path}")
    code, output = run(source.command(database, "--init", addon.name, *addons_path, "--stop-after-init", "--no-http"))
    assert code == 0, output
    gateway = Gateway(database, extra_args=addons_path)
    try:
        yield gateway.prepare()
    finally:
        gateway.stop()


def test_the_check_that_the_documentation_shows_runs_at_its_place(extended_gateway, dovecot, mailbox):
    gateway = extended_gateway
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    program = message("Run this", Content_Type='application/octet-stream; name="invoice.PDF.exe"')
    dovecot.put_all(mailbox, [program, message("Forty chairs")])
    gateway.fetch(server)
    gateway.settle()
    rows = gateway.sql(
        "SELECT subject, state, reason FROM mail_inbound_message WHERE server_id = %s ORDER BY id", server
    )
    assert rows == [("Run this", "held", "Attached: invoice.PDF.exe"), ("Forty chairs", "delivered", "")]
    rules = gateway.call("mail.inbound.rule", "search_read", [], ["check", "explanation"])
    assert [rule["check"] for rule in rules][4:7] == ["bounce", "program", "catchall_repeat"]
    assert rules[5]["explanation"] == "Messages with a program attached."


def test_mail_is_still_delivered_after_the_addon_of_a_check_is_uninstalled(extended_gateway, dovecot, mailbox):
    gateway = extended_gateway
    gateway.stop()
    gateway.start(cron_threads=0)  # Odoo refuses to uninstall while a scheduled action runs
    [module] = gateway.call("ir.module.module", "search", [["name", "=", "mail_check_program"]])
    gateway.call("ir.module.module", "button_immediate_uninstall", [module])
    gateway.stop()
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, message("Run this", Content_Type='application/octet-stream; name="invoice.exe"'))
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Run this"]


def documented_examples():
    """Return the Python file and the record of the check that the documentation shows."""
    page = (ROOT / "docs" / "rules.md").read_text()
    section = page[page.index("## Writing a check") :]
    return tuple(re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1] for language in ("python", "xml"))
