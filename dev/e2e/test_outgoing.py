"""One company with several servers: which Postfix a message goes through, and its headers in the recipient's mailbox."""

from email import message_from_bytes, policy
from email.utils import parseaddr

import pytest

from e2e.gateway import author, message, reply_to, until
from e2e.office import ADMIN, BOUNCE, CATCHALL, DOMAIN, IDN, IDN_ASCII, NOTIFICATIONS, OTHER, RUN, way
from lab.servers.smtp_script import ScriptedSmtp

# Encapsulation


def test_an_author_elsewhere_leaves_as_their_name_before_the_default_from(office):
    office.servers(DOMAIN)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert author(mail) == ("Admin", NOTIFICATIONS)
    assert mail["Return-Path"] == f"<{BOUNCE}>"


def test_an_author_of_the_filters_domain_keeps_their_address(office):
    office.servers(DOMAIN)
    assert author(office.send(f"Sales <sales@{DOMAIN}>")) == ("Sales", f"sales@{DOMAIN}")


def test_a_filter_equal_to_the_default_from_encapsulates_every_other_author(office):
    office.servers(NOTIFICATIONS)
    assert author(office.send(f"Sales <sales@{DOMAIN}>")) == ("Sales", NOTIFICATIONS)
    assert author(office.send(f'"Admin" <{ADMIN}>')) == ("Admin", NOTIFICATIONS)
    assert author(office.send(f"Robot <{NOTIFICATIONS}>")) == ("Robot", NOTIFICATIONS)


def test_a_bounce_address_that_the_filter_does_not_name_is_no_return_path(office):
    office.servers(NOTIFICATIONS)
    assert office.send(f'"Admin" <{ADMIN}>')["Return-Path"] == f"<{NOTIFICATIONS}>"


def test_through_a_server_without_filter_only_authors_elsewhere_leave_as_the_default_from(office):
    office.servers("")
    assert author(office.send(f'"Admin" <{ADMIN}>')) == ("Admin", NOTIFICATIONS)
    colleague = office.send(f"Sales <sales@{DOMAIN}>")
    assert author(colleague) == ("Sales", f"sales@{DOMAIN}")
    assert colleague["Return-Path"] == f"<{BOUNCE}>"


def test_a_display_name_that_contains_an_address_is_replaced_by_the_local_part(office):
    office.servers(DOMAIN)
    for name in (ADMIN, f"Admin ({ADMIN})", "boss@elsewhere.example via Shop"):
        assert author(office.send(f'"{name}" <{ADMIN}>')) == ("admin", NOTIFICATIONS)


def test_a_line_feed_in_a_name_adds_no_header(office):
    office.servers(DOMAIN)
    mail = office.send(f'"Admin\nX-Evil: yes" <{ADMIN}>')
    assert (author(mail), mail["X-Evil"]) == (("Admin X-Evil: yes", NOTIFICATIONS), None)


def test_without_a_display_name_the_local_part_stands_in(office):
    office.servers(DOMAIN)
    assert author(office.send(ADMIN)) == ("admin", NOTIFICATIONS)


@pytest.mark.parametrize(
    "name", ["Müller, Jürgen", 'The "Big" One', "日本 太郎", "O'Hara (Sales)", "Sales @ Company", "Back\\slash"]
)
def test_a_display_name_survives_encapsulation(office, name):
    office.servers(DOMAIN)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    assert author(office.send(f'"{quoted}" <{ADMIN}>')) == (name, NOTIFICATIONS)


def test_odoobot_without_an_address_sends_as_the_default_from(office):
    office.servers(DOMAIN)
    odoobot = office.gateway.ref("base.partner_root")
    office.gateway.call("res.partner", "write", [odoobot], {"email": False})
    mail = office.send(False, author_id=odoobot)
    assert (way(mail), author(mail)[1]) == (office.first.hostname, NOTIFICATIONS)


# The choice, step by step


def test_a_filter_equal_to_the_address_comes_before_its_domain(office):
    office.servers(OTHER, ADMIN)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.second.hostname, ("Admin", ADMIN))


def test_a_filter_equal_to_the_domain_comes_before_no_filter(office):
    office.servers("", OTHER)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.second.hostname, ("Admin", ADMIN))


def test_no_filter_comes_before_the_server_of_the_default_from(office):
    office.servers(NOTIFICATIONS, DOMAIN, "")
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.third.hostname, ("Admin", NOTIFICATIONS))


def test_the_default_froms_address_comes_before_its_domain(office):
    office.servers(f"elsewhere-{RUN}.example", DOMAIN, NOTIFICATIONS)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.third.hostname, ("Admin", NOTIFICATIONS))


def test_the_default_froms_domain_comes_before_the_first_server(office):
    office.servers(f"elsewhere-{RUN}.example", DOMAIN)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.second.hostname, ("Admin", NOTIFICATIONS))


def test_when_nothing_matches_the_first_server_sends_the_default_from(office):
    office.servers(f"elsewhere-{RUN}.example", f"nowhere-{RUN}.example")
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.first.hostname, ("Admin", NOTIFICATIONS))
    assert mail["Return-Path"] == f"<{NOTIFICATIONS}>"


def test_priority_10_is_used_before_priority_20(office):
    office.server(office.first, sequence=20, from_filter=DOMAIN)
    office.server(office.second, sequence=10, from_filter=DOMAIN)
    assert way(office.send(f"Sales <sales@{DOMAIN}>")) == office.second.hostname


def test_an_archived_server_is_not_used(office):
    archived, _other = office.servers(DOMAIN, "")
    office.gateway.call("ir.mail_server", "write", [archived], {"active": False})
    assert way(office.send(f"Sales <sales@{DOMAIN}>")) == office.second.hostname


def test_every_entry_of_a_comma_separated_filter_counts(office):
    office.servers("", f"{OTHER.upper()} , sales@{DOMAIN}")
    for sender in (ADMIN, f"sales@{DOMAIN}"):
        mail = office.send(f"Someone <{sender}>")
        assert (way(mail), author(mail)) == (office.second.hostname, ("Someone", sender))


@pytest.mark.parametrize(
    ("from_filter", "sender"), [(IDN, f"anna@{IDN_ASCII}"), (IDN_ASCII, f"anna@{IDN}")], ids=["letters", "xn"]
)
def test_a_domain_is_the_same_in_letters_and_in_its_xn_form(office, from_filter, sender):
    office.servers(DOMAIN, from_filter)
    mail = office.send(f"Anna <{sender}>")
    assert way(mail) == office.second.hostname
    assert mail["From"] in (f"Anna <anna@{IDN}>", f"Anna <anna@{IDN_ASCII}>")


# Without any server: the settings of odoo-bin


def test_without_a_server_an_author_whom_the_parameter_names_keeps_their_address(office):
    office.gateway.set_parameter("mail.default.from_filter", f"{OTHER}, {DOMAIN}")
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.third.hostname, ("Admin", ADMIN))
    assert mail["Return-Path"] == f"<{BOUNCE}>"


def test_without_a_server_an_author_whom_the_parameter_does_not_name_is_encapsulated(office):
    office.gateway.set_parameter("mail.default.from_filter", DOMAIN)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.third.hostname, ("Admin", NOTIFICATIONS))


def test_without_a_server_and_a_parameter_only_authors_elsewhere_leave_as_the_default_from(office):
    assert author(office.send(f"Sales <sales@{DOMAIN}>")) == ("Sales", f"sales@{DOMAIN}")
    assert author(office.send(f'"Admin" <{ADMIN}>')) == ("Admin", NOTIFICATIONS)


def test_the_parameter_does_not_apply_to_a_server(office):
    office.gateway.set_parameter("mail.default.from_filter", OTHER)
    office.servers(DOMAIN)
    mail = office.send(f'"Admin" <{ADMIN}>')
    assert (way(mail), author(mail)) == (office.first.hostname, ("Admin", NOTIFICATIONS))


# A server that the message itself names


def test_a_forced_server_encapsulates_an_author_whom_its_filter_does_not_name(office):
    _own, forced = office.servers(OTHER, DOMAIN)
    mail = office.send(f'"Admin" <{ADMIN}>', mail_server_id=forced)
    assert (way(mail), author(mail)) == (office.second.hostname, ("Admin", NOTIFICATIONS))


def test_a_templates_server_encapsulates_an_author_whom_its_filter_does_not_name(office):
    _own, forced = office.servers(OTHER, DOMAIN)
    partner, address = office.contact()
    [model] = office.gateway.call("ir.model", "search", [["model", "=", "res.partner"]])
    template = office.gateway.call(
        "mail.template",
        "create",
        {
            "name": "Chairs",
            "model_id": model,
            "subject": "Chairs",
            "body_html": "<p>Ten of them.</p>",
            "email_from": f'"Admin" <{ADMIN}>',
            "partner_to": "{{ object.id }}",
            "mail_server_id": forced,
        },
    )
    office.gateway.call("mail.template", "send_mail", template, partner, force_send=True)
    mail = office.read(address)
    assert (way(mail), author(mail)) == (office.second.hostname, ("Admin", NOTIFICATIONS))


# A user's own server


@pytest.fixture
def own_server():
    """An SMTP server with a password, as the personal accounts have that Odoo calls a user's own server."""
    with ScriptedSmtp(auth=True) as server:
        yield server


@pytest.fixture
def owner(office, own_server):
    """A user with a server of their own: (id, login)."""
    user, login = office.user(DOMAIN)
    office.gateway.call(
        "ir.mail_server",
        "create",
        {
            "name": login,
            "smtp_host": "127.0.0.1",
            "smtp_port": own_server.port,
            "smtp_encryption": "none",
            "smtp_user": login,
            "smtp_pass": "secret",
            "owner_user_id": user,
            "from_filter": login,
            "sequence": 1,
        },
    )
    return user, login


def test_a_users_own_server_carries_what_they_write(office, owner, own_server):
    office.server(office.first, sequence=10, from_filter=DOMAIN)
    partner, address = office.contact()
    office.gateway.comment(owner, "res.partner", partner, "Which colour?", [partner])
    [received] = own_server.received
    assert (received.sender, received.recipients) == (owner[1], (address,))
    assert author(message_from_bytes(received.raw, policy=policy.default)) == ("Agent", owner[1])


def test_a_users_own_server_carries_nothing_of_others(office, owner, own_server):
    assert way(office.comment(office.user(DOMAIN))) == office.third.hostname
    assert way(office.send(f"Agent <{owner[1]}>")) == office.third.hostname
    assert not own_server.sessions


# What Odoo records


def test_the_recorded_details_match_the_message_in_the_mailbox(office):
    office.servers(f"elsewhere-{RUN}.example", DOMAIN)
    user = office.user(OTHER)
    mail = office.comment(user)
    [row] = office.gateway.call(
        "mail.outgoing.selection", "search_read", [["mail_message_id.message_id", "=", mail["Message-Id"]]]
    )
    assert (row["server_name"], row["step"], row["traffic"]) == (office.second.name, "default_domain", "transactional")
    assert parseaddr(row["from_before"]) == ("Agent", user[1])
    assert parseaddr(row["from_after"]) == author(mail) == ("Agent", NOTIFICATIONS)
    assert mail["Return-Path"] == f"<{row['return_path']}>"
    assert parseaddr(row["reply_to"])[1] == reply_to(mail) == CATCHALL


# A comment and the reply to it


@pytest.fixture
def lead(office):
    """A lead and a user with an address elsewhere: (id of the lead, author for :meth:`Gateway.comment`)."""
    # without a team, whose alias replies would go to
    values = {"name": "Chairs", "type": "lead", "team_id": False}
    return office.gateway.call("crm.lead", "create", values), office.user(OTHER)


def test_a_notification_says_who_wrote_and_where_replies_and_bounces_go(office, lead):
    office.servers(DOMAIN)
    record, agent = lead
    partner, address = office.contact()
    comment = office.gateway.comment(agent, "crm.lead", record, "Which colour?", [partner])
    mail = office.read(address)
    [posted] = office.gateway.call("mail.message", "read", [comment], ["message_id"])
    assert author(mail) == ("Agent", NOTIFICATIONS)
    assert reply_to(mail) == CATCHALL
    assert mail["Return-Path"] == f"<{BOUNCE}>"
    assert mail["Message-Id"] == posted["message_id"]


def test_a_notification_about_a_record_with_an_alias_is_replied_to_there(office, lead):
    office.servers(DOMAIN)
    record, agent = lead
    team = office.gateway.call("crm.team", "create", {"name": "Chairs", "alias_name": "chairs"})
    office.gateway.call("crm.lead", "write", [record], {"team_id": team})
    partner, address = office.contact()
    office.gateway.comment(agent, "crm.lead", record, "Which height?", [partner])
    assert reply_to(office.read(address)) == f"chairs@{DOMAIN}"


def test_a_reply_to_an_encapsulated_author_lands_in_the_chatter(office, lead):
    office.servers(DOMAIN)
    record, agent = lead
    partner, address = office.contact()
    office.gateway.comment(agent, "crm.lead", record, "Which colour?", [partner])
    question = office.read(address)
    incoming = office.gateway.mail_server(CATCHALL, office.dovecot.port("imap"))
    office.first.submit(
        message("Re: Chairs", CATCHALL, f"Reader <{address}>", body="Blue.", In_Reply_To=question["Message-Id"]),
        address,
        [CATCHALL],
    )
    until(lambda: office.gateway.fetch(incoming) and office.gateway.count(["server_id", "=", incoming]))
    office.gateway.settle()
    [answer] = office.gateway.call(
        "mail.message",
        "search_read",
        [["model", "=", "crm.lead"], ["res_id", "=", record], ["message_type", "=", "email"]],
        ["body", "author_id"],
    )
    assert ("Blue." in answer["body"], answer["author_id"][0]) == (True, partner)
