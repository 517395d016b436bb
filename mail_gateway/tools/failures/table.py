"""The table that leads from a reply or a report to its meaning. The first row that fits decides.

Rows of providers come first: several of them answer a limit with 5xx, or with what looks like a refused login. Then come
enhanced status codes with one meaning, then texts of mail servers without such a code, then codes with many meanings.

A row that names no scope takes that of the phase; one that does not say whether the failure is permanent takes the class
of the code. Texts are matched in lower case.
"""

import re
from typing import NamedTuple

from .categories import Category, Phase, Scope
from .reply import Reply

_LIMITED = {"scope": Scope.SERVER, "permanent": False}


class Row(NamedTuple):
    """One line of the table.

    :ivar category: what a reply that fits means
    :ivar codes: expression for "code enhanced", such as "550 5.1.1"; fits from its start
    :ivar text: expression for the text in lower case; fits anywhere
    :ivar source: where it is documented; "texts" for words that several servers use
    :ivar scope: whose failure; None for what the phase says
    :ivar permanent: None for what the code says
    :ivar phases: in which it fits; None for all
    """

    category: Category
    codes: str = ""
    text: str = ""
    source: str = "texts"
    scope: Scope | None = None
    permanent: bool | None = None
    phases: frozenset | None = None

    def fits(self, reply: Reply, phase: Phase | None) -> bool:
        """Return whether the row is about this reply.

        :param reply: its text in lower case, without addresses
        :param phase: None for a report, which does not say
        """
        return (
            (self.phases is None or phase in self.phases)
            and (not self.codes or bool(re.match(self.codes, f"{reply.code or ''} {reply.enhanced}")))
            and (not self.text or bool(re.search(self.text, reply.text)))
        )


def _phases(*phases):
    return frozenset(phases)


_LEARN = "learn.microsoft.com, 2026-11"
_GOOGLE = "support.google.com, 2026-11"
_SES = "docs.aws.amazon.com/ses, 2026-11"
_ZOHO = "zoho.com, 2026-11"

PROVIDERS = (
    Row(Category.RATE, r"432 4\.3\.2", source=_LEARN, **_LIMITED),
    Row(Category.RATE, r"5\d\d ", "submissionquotaexceeded|recipientratelimitexceeded", _LEARN, **_LIMITED),
    Row(Category.RATE, r"550 5\.1\.90", source=_LEARN, **_LIMITED),
    Row(Category.RATE, r"550 5\.7\.23[236]", source=_LEARN, **_LIMITED),
    Row(Category.RATE, r"550 5\.2\.25[1-5]", source=_LEARN, **_LIMITED),
    Row(Category.SENDER, r"554 5\.2\.252|55\d ", "sendasdenied", _LEARN, Scope.MESSAGE),
    Row(Category.REPUTATION, r"55\d 5\.7\.7[0-4]\d", source=_LEARN, scope=Scope.SERVER, permanent=False),
    Row(Category.REPUTATION, r"550 5\.1\.8 ?$", "", _LEARN, Scope.SERVER, permanent=False),
    Row(Category.SENDER, r"550 5\.7\.68", source=_LEARN, scope=Scope.MESSAGE),
    Row(Category.LOGIN, r"5\d\d 5\.7\.30", source=_LEARN, **_LIMITED),
    Row(Category.LOGIN, r"535 5\.7\.(139|3) ?$", source=_LEARN, **_LIMITED),
    Row(Category.FULL, r"554 5\.2\.2 ?$", "storedrv.submission|submissionquota", _LEARN, Scope.SERVER, permanent=False),
    Row(Category.RATE, r"550 5\.4\.5", source=_GOOGLE, **_LIMITED),
    Row(Category.RATE, r"550 5\.7\.1 ?$", "daily smtp relay", _GOOGLE, **_LIMITED),
    Row(Category.RATE, r"450 4\.2\.1 ?$", "peak smtp relay|peak .*limit", _GOOGLE, **_LIMITED),
    Row(Category.REFUSED, r"450 4\.2\.1 ?$", "receiving mail (too quickly|at a rate)", _GOOGLE),
    Row(Category.RATE, r"454 ", "throttling failure", _SES, **_LIMITED),
    Row(Category.SENDER, r"554 ", "email address(es)? (is|are) not verified", _SES, Scope.MESSAGE),
    Row(Category.LOGIN, r"525 5\.7\.1|525 ", "unauthori[sz]ed ip", "Brevo, 2026-11", **_LIMITED),
    Row(
        Category.SENDER,
        r"421 ",
        r"domain \S+ is not allowed to send",
        "Mailgun, 2026-11",
        Scope.SERVER,
        permanent=False,
    ),
    Row(Category.RATE, r"451 ", "authentication failed: max", "SendGrid, 2026-11", **_LIMITED),
    Row(
        Category.SENDER,
        r"403 |5\d\d ",
        "verified sender id|you are not authorized to send from",
        "SendGrid, 2026-11",
        Scope.MESSAGE,
        permanent=True,
    ),  # fmt: skip
    Row(Category.SENDER, r"550 ", "from header sender", "SMTP2GO, 2026-11", Scope.MESSAGE),
    Row(Category.RATE, r"450 ", "mail send limit exc", "IONOS, 2026-11", **_LIMITED),
    Row(Category.RATE, r"550 5\.4\.6", "usage|limit|unusual", _ZOHO, **_LIMITED),
    Row(Category.REPUTATION, r"554 5\.1\.8", source=_ZOHO, scope=Scope.SERVER, permanent=False),
    Row(Category.SENDER, r"553 ", "relaying dis", _ZOHO, Scope.MESSAGE),
    Row(Category.SENDER, r"553 5\.7\.1", "sender address rejected", "Yandex, Postfix, 2026-11", Scope.MESSAGE),
    Row(Category.RATE, r"421 |45[01] ", "hl:i[cf]c|mi:dmc|mi:sfq|rp:qrc", "NetEase 163, 126", **_LIMITED),
    Row(Category.REPUTATION, r"55[04] ", "mi:stc", "NetEase 163, 126", Scope.SERVER, permanent=False),
)

ENHANCED = (
    Row(Category.LOGIN, r"530 ", source="RFC 4954, 6", **_LIMITED),
    Row(Category.ADDRESS, r"\d* [45]\.1\.(1|3|6|11)$", source="RFC 3463, 3.2"),
    Row(Category.DOMAIN, r"\d* [45]\.1\.(2|10)$", source="RFC 3463, 3.2; RFC 7505"),
    Row(Category.SENDER, r"\d* [45]\.1\.(7|8|9)$", source="RFC 3463, 3.2", scope=Scope.MESSAGE),
    Row(Category.FULL, r"\d* [45]\.2\.2$", source="RFC 3463, 3.3"),
    Row(Category.SIZE, r"\d* [45]\.(2\.3|3\.4)$", source="RFC 3463, 3.3", scope=Scope.MESSAGE),
    Row(Category.RATE, r"\d* 4\.3\.2$", source="RFC 3463, 3.4", scope=Scope.SERVER),
    Row(Category.BUSY, r"\d* 4\.3\.[0135]$", source="RFC 3463, 3.4"),
    Row(Category.DOMAIN, r"\d* 5\.4\.4$", source="RFC 3463, 3.5"),
    Row(Category.ROUTING, r"\d* [45]\.4\.(0|1|2|3|4|6|7|8)$", source="RFC 3463, 3.5"),
    Row(Category.RATE, r"\d* [45]\.5\.3$", source="RFC 3463, 3.6", permanent=False),
    Row(Category.AUTHENTICATION, r"\d* [45]\.7\.(2[0-9])$", source="RFC 7372"),
    Row(
        Category.LOGIN,
        r"\d* [45]\.7\.(8|9|11|12|13|14|3)$",
        source="RFC 4954",
        scope=Scope.SERVER,
        permanent=False,
        phases=_phases(Phase.CONNECT, Phase.TLS, Phase.AUTH, Phase.MAIL),
    ),  # fmt: skip
    Row(Category.TLS, r"\d* [45]\.7\.(10|30)$", source="RFC 3463, 3.8; RFC 8689"),
    Row(Category.PROTOCOL, r"\d* [45]\.6\.(7|9)$", source="RFC 6531", scope=Scope.MESSAGE),
    Row(Category.CONTENT, r"\d* [45]\.6\.\d+$", source="RFC 3463, 3.7", scope=Scope.MESSAGE),
    Row(Category.REFUSED, r"\d* [45]\.7\.17$", source="RFC 7293"),
)

TEXTS = (
    Row(Category.GREYLISTED, r"4\d\d ", r"gr[ae]y[\s-]?list|postgrey|sqlgrey"),
    Row(
        Category.RATE,
        r"[45]\d\d ",
        r"(daily|hourly|monthly|per (hour|day)|sending|outgoing)[\w ]{0,30}(limit|quota|rate)\b.{0,40}(exceed|reach)|"
        r"(exceed|reach)ed[\w ]{0,40}(daily|hourly|sending|outgoing)[\w ]{0,20} (limit|quota|rate)",
        **_LIMITED,
    ),  # fmt: skip
    Row(
        Category.FULL,
        r"[45]\d\d ",
        r"mailbox (is )?(over)?full|over ?quota|quota (is )?exceeded|insufficient (disk )?space in .{0,80}mailbox|"
        r"exceeded (his|her|their|its|the)? ?(storage|message|mail|disk)? ?(quota|storage)|mailbox (size )?limit|"
        r"too many messages in",
    ),  # fmt: skip
    Row(
        Category.SIZE,
        r"[45]\d\d ",
        r"(message|mail|attachment)( size)?.{0,30}too (big|large)|size (limit|exceeds)|message exceeds|"
        r"exceeds? .{0,30}(size|maximum)",
        scope=Scope.MESSAGE,
    ),  # fmt: skip
    Row(
        Category.RATE,
        r"4\d\d ",
        r"too many (concurrent |simultaneous )?(smtp )?(connection|session|message|mail|error)|"
        r"connection (rate|count) limit|rate limit|ratelimit|throttl|too fast|slow down|sending too|too much mail",
        **_LIMITED,
    ),  # fmt: skip
    Row(Category.RATE, r"\d* ", "too many (rec|rcpt)", permanent=False),
    Row(Category.BUSY, r"452 ", "insufficient (system )?(storage|space|resources)"),
    Row(
        Category.AUTHENTICATION,
        r"[45]\d\d ",
        r"\bspf\b|\bdkim\b|\bdmarc\b|reverse dns|reverse lookup|\bptr\b|rdns|"
        r"cannot find your (reverse )?hostname",
    ),  # fmt: skip
    Row(
        Category.REPUTATION,
        r"[45]\d\d ",
        r"spamhaus|spamcop|barracuda|sorbs|block ?list|black ?list|deny ?list|\brbl\b|"
        r"dnsbl|poor reputation|bad reputation|ip (address )?.{0,40}(blocked|banned|listed)",
    ),  # fmt: skip
    Row(
        Category.SENDER,
        r"5\d\d ",
        r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed)|prohibited)|"
        r"unable to relay|not permitted to relay|we do not relay|no relay",
    ),  # fmt: skip
    Row(
        Category.SENDER,
        r"[45]\d\d ",
        r"sender (address )?(rejected|denied|refused|verify failed)|not owned by user|"
        r"sender .{0,40}not allowed|from address .{0,40}(not|match)",
        scope=Scope.MESSAGE,
    ),  # fmt: skip
    Row(
        Category.ADDRESS,
        r"5\d\d ",
        r"user (is )?(unknown|not found)|unknown (user|recipient|address|mailbox|local)|"
        r"no such (user|mailbox|recipient|address|person)|(user|mailbox|recipient|account|address|email)\W.{0,60}?"
        r"(doesn.?t exist|does not exist|not exist|not found|unavailable|disabled|inactive|suspended|invalid)|"
        r"recipient (address )?rejected: (user|undeliverable)|invalid (recipient|mailbox|user|address)|"
        r"not a (valid|known) (user|mailbox|recipient)|no mailbox",
    ),  # fmt: skip
    Row(
        Category.DOMAIN,
        r"5\d\d ",
        r"(domain|host)( name)?( is)? (not found|unknown|doesn.?t exist|does not exist)|"
        r"unrouteable|no mx|null ?mx|does not accept mail|unknown (domain|host)|host or domain name not found",
    ),  # fmt: skip
    Row(
        Category.CONTENT,
        r"[45]\d\d ",
        r"\bspam|virus|malware|phish|banned (content|file|attachment)|"
        r"content (rejected|filter)|message (content )?rejected|forbidden (file|attachment)|prohibited|uribl|surbl",
        scope=Scope.MESSAGE,
    ),  # fmt: skip
    Row(
        Category.ROUTING,
        r"[45]\d\d ",
        r"\bloop|too many hops|hop count|connection timed out|lost connection|"
        r"connection refused|no route",
    ),  # fmt: skip
    Row(
        Category.REFUSED,
        r"5\d\d ",
        r"(rejected|blocked) by (the )?(recipient|policy|user|rule)|"
        r"not accepting (mail|messages)|not authori[sz]ed to send to|restricted|does not want",
    ),  # fmt: skip
)

CODES = (
    Row(
        Category.LOGIN,
        r"(534|535|538|454) ",
        source="RFC 4954",
        scope=Scope.SERVER,
        permanent=False,
        phases=_phases(Phase.AUTH, Phase.MAIL),
    ),  # fmt: skip
    Row(Category.LOGIN, r"5\d\d ", source="RFC 4954", phases=_phases(Phase.AUTH), **_LIMITED),
    Row(Category.TLS, r"\d+ ", source="RFC 3207", phases=_phases(Phase.TLS), **_LIMITED),
    Row(Category.BUSY, r"421 ", source="RFC 5321, 3.8", **_LIMITED),
    Row(Category.RATE, r"432 ", source="RFC 4954", **_LIMITED),
    Row(
        Category.RATE,
        r"4\d\d 4\.7\.",
        source="RFC 3463, 3.8; used for limits",
        scope=Scope.SERVER,
        phases=_phases(Phase.MAIL),
    ),  # fmt: skip
    Row(Category.GREYLISTED, r"45[01] 4\.7\.", source="RFC 6647", phases=_phases(Phase.RCPT)),
    Row(Category.GREYLISTED, r"45[01] ", source="RFC 6647, 2.1", phases=_phases(Phase.RCPT)),
    Row(Category.RATE, r"452 ", source="RFC 5321, 4.5.3.1.10", phases=_phases(Phase.RCPT)),
    Row(Category.BUSY, r"4\d\d ", source="RFC 5321, 4.2.1"),
    Row(Category.ADDRESS, r"550 (5\.[01]\.0|5\.2\.1|)$", source="RFC 5321, 4.2.2", phases=_phases(Phase.RCPT, None)),
    Row(Category.ADDRESS, r"\d* 5\.(2\.1|1\.0)$", source="RFC 3463, 3.3"),
    Row(Category.ADDRESS, r"(551|553) ", source="RFC 5321, 4.2.2", phases=_phases(Phase.RCPT)),
    Row(Category.SIZE, r"552 ", source="RFC 1870", phases=_phases(Phase.MAIL, Phase.DATA, Phase.END_OF_DATA)),
    Row(Category.FULL, r"552 ", source="RFC 5321, 4.2.2", phases=_phases(Phase.RCPT)),
    Row(Category.DOMAIN, r"(521|556) ", source="RFC 7504; RFC 7505", phases=_phases(Phase.RCPT)),
    Row(Category.PROTOCOL, r"(50[0-4]|555) ", source="RFC 5321, 4.2.2"),
    Row(Category.SENDER, r"55\d ", source="RFC 5321, 4.2.2", phases=_phases(Phase.MAIL)),
    Row(Category.CONTENT, r"55\d ", source="RFC 5321, 4.2.2", phases=_phases(Phase.DATA, Phase.END_OF_DATA)),
    Row(Category.REFUSED, r"\d* 5\.7\.", source="RFC 3463, 3.8"),
    Row(Category.PROTOCOL, r"\d* 5\.5\.", source="RFC 3463, 3.6"),
    Row(Category.BUSY, r"\d* 4\.", source="RFC 3463, 2"),
)

TABLE = PROVIDERS + ENHANCED + TEXTS + CODES

# Servers repeat addresses, which may look like anything: ratelimit@customer.example.
_ADDRESS = re.compile(r"<[^>]*>|\S+@\S+")


def find_row(reply: Reply, phase: Phase | None) -> Row | None:
    """Return the row that decides about a reply; None when none does.

    :param phase: None for a report, which does not say
    """
    plain = reply._replace(text=_ADDRESS.sub("<>", reply.text).lower())
    return next((row for row in TABLE if row.fits(plain, phase)), None)
