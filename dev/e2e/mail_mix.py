"""Two hundred messages of every sort, and the expected outcome of each."""

from collections import Counter
from dataclasses import dataclass, field

from e2e.gateway import message

WHAT_BECAME = "SELECT state, try_count, reason, detail FROM mail_inbound_message WHERE subject = %s"
# Python's header parser fails on it (CPython issue 105802); the message creates a record nevertheless.
BAD_MESSAGE_ID = "<[{number}@customer.example]>"
# A message in delivery at three of eight kills is rare; more than this would be a fault.
MAX_UNLUCKY = 2


@dataclass
class MailMix:
    """Messages by their expected outcome; a subject identifies one message.

    :ivar routable: each creates one lead
    :ivar unroutable: each is held
    """

    routable: dict = field(default_factory=dict)
    unroutable: dict = field(default_factory=dict)

    @property
    def sources(self):
        """All messages, well mixed and always in the same order."""
        everything = {**self.routable, **self.unroutable}
        return [everything[subject] for subject in sorted(everything, key=hash_of)]

    def check(self, gateway, server):
        """Assert that each routable message created one lead, and that every other one is held with its source."""
        self._process_again_what_three_kills_hit(gateway)
        delivered = Counter(gateway.leads(server))
        lost = {name: gateway.sql(WHAT_BECAME, name) for name in self.routable if not delivered[name]}
        assert not lost
        rows = dict(gateway.sql("SELECT name, count(*) FROM crm_lead GROUP BY name"))
        assert rows == dict.fromkeys(self.routable, 1)
        assert self._kept(gateway, "held") == self.unroutable
        assert not self._kept(gateway, "failed")
        assert gateway.count() == len(self.sources)

    def _process_again_what_three_kills_hit(self, gateway):
        """Process again, as a postmaster would, messages that failed because three kills of the test hit them."""
        rows = gateway.sql(
            "SELECT id FROM mail_inbound_message WHERE state = 'failed' AND reason LIKE '%%ran out of time%%'"
        )
        assert len(rows) <= MAX_UNLUCKY
        if rows:
            gateway.call("mail.inbound.message", "action_process_again", [message_id for (message_id,) in rows])
            gateway.settle(fetch=True)

    @staticmethod
    def _kept(gateway, state):
        rows = gateway.sql(
            "SELECT subject, decode(convert_from(source, 'UTF8'), 'base64') FROM mail_inbound_message WHERE state = %s",
            state,
        )
        return {subject: bytes(source) for subject, source in rows}


def hash_of(text):
    """Return a hash that is the same in every run."""
    return sum(ord(character) * 7919**position % 10007 for position, character in enumerate(text[::-1]))


def mail_mix(total=200):
    """Return a mix: seven in ten are plain, others have no or a bad Message-Id, an attachment, or no route."""
    mix = MailMix()
    for number in range(total):
        kind, subject = number % 20, f"Message {number:03}"
        if kind in (0, 1):
            mix.routable[subject] = message(subject, message_id=None)
        elif kind in (2, 3):
            mix.routable[subject] = with_attachment(subject)
        elif kind == 4:
            mix.unroutable[subject] = message(subject, to=f"nobody{number}@elsewhere.example")
        elif kind == 5:
            mix.routable[subject] = message(subject, message_id=BAD_MESSAGE_ID.format(number=number))
        else:
            mix.routable[subject] = message(subject)
    return mix


def with_attachment(subject):
    """Return a message with an attachment that only its type calls a PDF."""
    body = (
        "--cut\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--cut\r\n"
        "Content-Type: application/pdf; name=order.pdf\r\nContent-Disposition: attachment; filename=order.pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n" + "JVBERi0xLjQK" * 2000 + "\r\n--cut--"
    )
    return message(subject, body=body, Content_Type="multipart/mixed; boundary=cut")
