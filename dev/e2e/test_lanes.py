"""Lanes: several at once, order within a conversation, messages that kill their worker."""

from e2e.gateway import DOMAIN, message, until
from e2e.poison import poison_message


def test_a_message_that_keeps_its_worker_busy_is_set_aside_and_the_others_go_on(crash_gateway, dovecot, mailbox):
    gateway = crash_gateway
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    gateway.stop()
    # worker processes, which the master process kills at their time limit
    gateway.start(workers=1, extra_args=["--limit-time-real-cron", "12"])
    gateway.sql(ENDLESS_POISON)
    dovecot.put(mailbox, message("Poison"))
    dovecot.put_all(mailbox, [message(f"After the poison {n}") for n in range(5)])
    gateway.wake()
    until(lambda: len(gateway.leads(server)) == 5)
    assert gateway.count(["state", "in", ("received", "deferred")]) == 1, "the poison is still being worked on"
    until(lambda: gateway.hurry() or gateway.count(["state", "=", "failed"]), 180, every=1)
    [(subject, tries, reason, source)] = gateway.sql(
        "SELECT subject, try_count, reason, source FROM mail_inbound_message WHERE state = 'failed'"
    )
    assert (subject, tries) == ("Poison", 3) and "crashed or ran out of time" in reason and source


def test_html_that_odoos_sanitizer_would_take_days_for_is_delivered_as_an_attachment(gateway, dovecot, mailbox):
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, poison_message("leads@mycompany.example", f"<poison.{mailbox}>"))
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Poison"]
    [(attachments,)] = gateway.sql(
        "SELECT count(*) FROM ir_attachment WHERE res_model = 'crm.lead' AND res_id ="
        " (SELECT res_id FROM mail_inbound_message WHERE server_id = %s) AND file_size > 3000000",
        server,
    )
    assert attachments


def test_messages_of_one_conversation_keep_their_order(gateway, dovecot, mailbox):
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, message("Order", message_id=f"<root.{mailbox}>"))
    dovecot.put_all(
        mailbox,
        [message(f"Re: Order {n:02}", body=f"Answer {n:02}", References=f"<root.{mailbox}>") for n in range(30)],
    )
    gateway.fetch(server)
    gateway.settle()
    rows = gateway.sql(
        "SELECT subject FROM mail_message WHERE model = 'crm.lead' AND message_type = 'email' AND res_id ="
        " (SELECT DISTINCT res_id FROM mail_inbound_message WHERE server_id = %s) ORDER BY id",
        server,
    )
    assert [subject for (subject,) in rows] == ["Order", *(f"Re: Order {n:02}" for n in range(30))]


def test_two_lanes_deliver_at_the_same_time(gateway, dovecot, mailbox):
    gateway.sql(SLOW_LEADS)
    try:
        server = gateway.mail_server(mailbox, dovecot.port("imap"))
        dovecot.put_all(mailbox, [message(f"Slow {n}") for n in range(12)])
        gateway.fetch(server)
        # two rows are locked by the transactions that work on them
        until(lambda: locked(gateway) == 2)
        gateway.settle()
    finally:
        gateway.sql("DROP FUNCTION slow_lead CASCADE")
    assert len(gateway.leads(server)) == 12


def test_two_lanes_send_no_more_notices_than_an_hour_allows(gateway, dovecot, mailbox):
    alias = gateway.alias("partners", "crm.lead")
    gateway.call("mail.alias", "write", [alias], {"alias_contact": "partners"})
    gateway.set_parameter("mail_gateway.notice_limit", "5")
    try:
        server = gateway.mail_server(mailbox, dovecot.port("imap"))
        dovecot.put_all(mailbox, [message(f"Refused {n}", to=f"partners@{DOMAIN}") for n in range(24)])
        gateway.fetch(server)
        gateway.settle()
    finally:
        gateway.set_parameter("mail_gateway.notice_limit", "100")
    [(told,)] = gateway.sql(
        "SELECT count(*) FROM mail_inbound_message WHERE server_id = %s AND told_date IS NOT NULL", server
    )
    assert told == 5
    assert gateway.sql(
        "SELECT told, count(*) FROM mail_inbound_sender_notice WHERE told IN ('*', '!') GROUP BY told ORDER BY told"
    ) == [("!", 1), ("*", 5)]


def test_the_number_of_lanes_is_a_setting(gateway):
    for lanes in (4, 2):
        settings = gateway.call("res.config.settings", "create", {"inbound_lanes": lanes})
        until(lambda settings=settings: gateway.call("res.config.settings", "execute", [settings]))
        found = gateway.sql("SELECT count(*) FROM ir_cron WHERE active AND cron_name LIKE 'Mail: Deliver Inbound%%'")
        assert found == [(lanes,)]


# Odoo's master process kills a worker after 12 seconds; PostgreSQL releases the worker's locks a little later.
ENDLESS_POISON = """
    CREATE FUNCTION endless_poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.subject = 'Poison' THEN
            PERFORM pg_sleep(20);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER endless_poison BEFORE INSERT ON mail_message FOR EACH ROW EXECUTE FUNCTION endless_poison();
"""

SLOW_LEADS = """
    CREATE FUNCTION slow_lead() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(1);
        RETURN NEW;
    END $$;
    CREATE TRIGGER slow_lead BEFORE INSERT ON crm_lead FOR EACH ROW EXECUTE FUNCTION slow_lead();
"""


def locked(gateway):
    """Return the number of pending messages that some transaction has locked."""
    free = gateway.sql(
        "SELECT count(*) FROM (SELECT id FROM mail_inbound_message WHERE state = 'received'"
        " FOR UPDATE SKIP LOCKED) rows"
    )[0][0]
    return gateway.count(["state", "=", "received"]) - free
