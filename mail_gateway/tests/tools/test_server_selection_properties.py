"""The choice of the server, compared with a second, naive implementation of the documented rules."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.server_selection import OutgoingServer, Step, Traffic, select

# written entry -> its meaning
DOMAINS = {
    "a.example": "a.example",
    " A.Example": "a.example",
    "b.example": "b.example",
    "sub.a.example": "sub.a.example",
    "café.example": "xn--caf-dma.example",
    "CAFÉ.example ": "xn--caf-dma.example",
    "xn--caf-dma.example": "xn--caf-dma.example",
}
ADDRESSES = {
    f"{written_local}@{written.strip()}": f"{local}@{domain}"
    for written, domain in DOMAINS.items()
    for written_local, local in (("anna", "anna"), ("Bob", "bob"), ("notifications", "notifications"))
}
MALFORMED = {"*.a.example": None, "@a.example": None, "a b.example": None, "anna@@a.example": None, "..": None}
ENTRIES = {**DOMAINS, **ADDRESSES, **MALFORMED}

addresses = st.sampled_from(sorted(ADDRESSES))
filters = st.lists(st.sampled_from([*sorted(ENTRIES), "", " "]), max_size=3)
outgoing_servers = st.lists(
    st.tuples(
        filters,
        st.booleans(),
        st.sampled_from(["any", "any", "transactional", "mass"]),
        st.one_of(st.none(), st.none(), addresses, st.just("")),
        st.sampled_from([True, True, True, False]),
    ),
    max_size=6,
)


def meanings(entries):
    return {ENTRIES[entry] for entry in entries if entry.strip()} - {None}


def naive(author, rows, default, traffic, forced):  # noqa: C901, PLR0912, PLR0911 as long as the rules read
    """Apply the rules one after the other.

    :param rows: (entries, active, traffic, owner, offered), numbered from 1 in the order of priority
    :return: (number or None, step)
    """
    sender = ADDRESSES.get(author)
    default = ADDRESSES.get(default)
    everyone, shared = [], []
    for number, (entries, active, carries, owner, offered) in enumerate(rows, start=1):
        if not active or not offered or carries not in ("any", traffic.value):
            continue
        if owner is None:
            shared.append((number, entries))
            everyone.append((number, entries))
        elif sender and ADDRESSES.get(owner) == sender and sender in meanings(entries):
            everyone.append((number, entries))
    for number, _entries in everyone:
        if number == forced:
            return number, Step.FORCED
    for number, entries in everyone:
        if sender and sender in meanings(entries):
            return number, Step.ADDRESS
    for number, entries in shared:
        if sender and sender.split("@")[1] in meanings(entries):
            return number, Step.DOMAIN
    for number, entries in shared:
        if not [entry for entry in entries if entry.strip()]:
            return number, Step.NO_FILTER
    for number, entries in shared:
        if default and default in meanings(entries):
            return number, Step.DEFAULT_ADDRESS
    for number, entries in shared:
        if default and default.split("@")[1] in meanings(entries):
            return number, Step.DEFAULT_DOMAIN
    for number, _entries in shared:
        return number, Step.FIRST
    return None, Step.ODOO_BIN


def naive_from(author, entries, default, alias_domains):
    """Return the From, by the rule of encapsulation, for an author without a display name."""
    sender = ADDRESSES.get(author)
    if not default or ADDRESSES.get(default) == sender:
        return author or default or ""
    if not sender:
        return default
    if not [entry for entry in entries if entry.strip()]:
        ours = {DOMAINS.get(domain) for domain in alias_domains} - {None}
        return author if not ours or sender.split("@")[1] in ours else f'"{author.split("@")[0]}" <{default}>'
    named = meanings(entries)
    if sender in named or sender.split("@")[1] in named:
        return author
    return f'"{author.split("@")[0]}" <{default}>'


class TestAgainstTheNaiveRules(ToolsCase):
    @settings(max_examples=rounds(1500), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(
        author=st.one_of(addresses, addresses, st.just("")),
        rows=outgoing_servers,
        default=st.one_of(addresses, st.none()),
        odoo_bin=filters,
        traffic=st.sampled_from(list(Traffic)),
        forced=st.one_of(st.none(), st.integers(1, 6)),
        alias_domains=st.lists(st.sampled_from([*sorted(DOMAINS), "a b.example", ""]), max_size=3),
    )
    def test_both_implementations_choose_the_same_server_step_and_from(
        self, author, rows, default, odoo_bin, traffic, forced, alias_domains
    ):
        servers = [
            OutgoingServer(number, ",".join(entries), active, carries, owner, offered)
            for number, (entries, active, carries, owner, offered) in enumerate(rows, start=1)
        ]
        selection = select(
            author,
            servers,
            default,
            odoo_bin_filter=",".join(odoo_bin),
            traffic=traffic,
            forced_id=forced,
            alias_domains=alias_domains,
        )
        number, step = naive(author, rows, default, traffic, forced)
        self.assertEqual((selection.server and selection.server.id, selection.step), (number, step))
        entries = rows[number - 1][0] if number else odoo_bin
        self.assertEqual(selection.header_from, naive_from(author, entries, default, alias_domains))
        self.assertEqual(
            [over.server for over in selection.passed_over],
            [server for server in servers if server.id != number],
            "every server but the chosen one has a reason",
        )
