"""Messages that programs hand over by RPC to a running Odoo: who may do so, and what it returns to them."""

import xmlrpc.client

import pytest

from e2e.gateway import DOMAIN, LEADS, message

GROUPS = {"portal": "base.group_portal", "internal": "base.group_user", "member": "mail_gateway.group_hand_over"}
EXPLOIT = {"user_ids": [(0, 0, {"name": "Eve", "login": "eve@customer.example", "password": "eve-eve-eve"})]}


@pytest.fixture(scope="module")
def callers(gateway):
    """A function that calls message_process as one of three users."""
    for name, group in GROUPS.items():
        groups = {gateway.ref(group), *([] if name == "portal" else [gateway.ref("base.group_user")])}
        gateway.call(
            "res.users",
            "create",
            {
                "name": name.title(),
                "login": name,
                "password": f"{name}-password",
                "email": f"{name}@{DOMAIN}",
                "group_ids": [(6, 0, sorted(groups))],
            },
            context={"no_reset_password": True},
        )

    def call(name, model, source, **arguments):
        common = xmlrpc.client.ServerProxy(f"{gateway.odoo.url}/xmlrpc/2/common")
        password = f"{name}-password"
        user = common.authenticate(gateway.database, name, password, {})
        models = xmlrpc.client.ServerProxy(f"{gateway.odoo.url}/xmlrpc/2/object", allow_none=True)
        return models.execute_kw(
            gateway.database,
            user,
            password,
            "mail.thread",
            "message_process",
            [model, xmlrpc.client.Binary(source)],
            arguments,
        )

    return call


def over_the_limit(subject):
    """Return a message that is held because it is larger than the limit."""
    return message(subject, to="nobody@elsewhere.example") + b"x" * (2 * 2**20)


@pytest.mark.parametrize("name", ["portal", "internal"])
def test_a_user_who_is_not_a_member_is_refused_and_nothing_is_stored(gateway, callers, name):
    before = gateway.count(), gateway.sql("SELECT count(*) FROM ir_attachment")
    for source in (message("Mine"), over_the_limit("Mine")):
        with pytest.raises(xmlrpc.client.Fault, match="may not hand messages over to Odoo"):
            callers(name, "res.partner", source, custom_values=EXPLOIT)
    assert (gateway.count(), gateway.sql("SELECT count(*) FROM ir_attachment")) == before


def test_a_member_hands_over_a_message_to_an_alias(gateway, callers):
    lead = callers("member", False, message("By mailgate", to=f"{LEADS}@{DOMAIN}"))
    assert gateway.sql("SELECT name FROM crm_lead WHERE id = %s", lead) == [("By mailgate",)]


def test_a_message_that_is_held_and_released_creates_no_user(gateway, callers):
    gateway.set_parameter("mail_gateway.size_limit", "1")
    rules = gateway.call("mail.inbound.rule", "search", [["check", "=", "size"]])
    gateway.call("mail.inbound.rule", "write", rules, {"action": "hold"})
    users = gateway.sql("SELECT count(*) FROM res_users")
    with pytest.raises(xmlrpc.client.Fault, match="Records within records|may not create"):
        callers("member", "res.partner", over_the_limit("Held"), custom_values=EXPLOIT)
    # an earlier version of the addon stored such messages with all that their callers asked for
    callers("member", False, over_the_limit("Held"))
    [(held,)] = gateway.sql(
        "UPDATE mail_inbound_message SET call = %s::jsonb WHERE subject = 'Held' AND state = 'held' RETURNING id",
        '{"model": "res.partner", "custom_values": {"user_ids": [[0, 0, {"name": "Eve", "login": "eve"}]]}}',
    )
    gateway.call("mail.inbound.message", "action_release", [held])
    gateway.settle()
    [(state, cause, reason)] = gateway.sql("SELECT state, cause, reason FROM mail_inbound_message WHERE id = %s", held)
    assert (state, cause) == ("held", "not_allowed"), reason
    assert gateway.sql("SELECT count(*) FROM res_users") == users
