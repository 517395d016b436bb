"""A program that answers every message in a mailbox, and follows no convention for automatic replies."""

import threading
from email import message_from_bytes, policy
from email.utils import parseaddr

from e2e.gateway import message

TEXT = "I have got your message and will look at it as soon as I can."


class Responder:
    """The program, a thread; it stops answering by itself after a number of messages.

    It answers to Reply-To or From with a fresh Message-Id. The worst case is the default: without `Auto-Submitted`,
    `In-Reply-To` and `References`, its answers look like messages that a person writes.

    :param address: the address whose mailbox it reads
    :param sender: a function from the number of the answer to its From; by default, From is the address
    :param to: an address that gets all answers instead
    :param text: a function from the number of the answer to its text
    :param headers: a function from the parsed message to further headers of the answer, _ for -
    :param most: how many messages it answers
    """

    def __init__(
        self,
        dovecot,
        postfix,
        address,
        *,
        to=None,
        sender=None,
        text=lambda _number: TEXT,
        headers=lambda _mail: {},
        most=15,
    ):
        self.address, self.most = address, most
        self._sender = sender or (lambda _number: address)
        self.answered = 0
        self.error = None
        self._dovecot, self._postfix = dovecot, postfix
        self._to, self._text, self._headers = to, text, headers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"responder {address}", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._stopping.set()
        self._thread.join(60)

    @property
    def exhausted(self):
        """Whether it has answered as often as it may, because nothing stopped it before."""
        return self.answered >= self.most

    def is_idle(self):
        """Tell whether it has answered all messages that it may answer.

        :raises AssertionError: when it has failed
        """
        assert self.error is None, self.error
        return self.exhausted or len(self._dovecot.read(self.address)) == self.answered

    def _run(self):
        try:
            while not self.exhausted and not self._stopping.wait(0.2):
                self._answer_new()
        except Exception as error:
            self.error = error

    def _answer_new(self):
        for raw in self._dovecot.read(self.address)[self.answered : self.most]:
            self._answer(message_from_bytes(raw, policy=policy.default))
            self.answered += 1

    def _answer(self, mail):
        to = self._to or parseaddr(mail["Reply-To"] or mail["From"])[1]
        sender = self._sender(self.answered)
        raw = message(
            f"Re: {mail['Subject']}", to, f"Responder <{sender}>", body=self._text(self.answered), **self._headers(mail)
        )
        self._postfix.submit(raw, sender, [to])


def naming_what_it_answers(mail):
    """Return the headers by which a mail program says which message it answers."""
    references = " ".join(filter(None, (mail["References"], mail["Message-Id"])))
    return {"In_Reply_To": mail["Message-Id"], "References": references}


def saying_that_it_is_automatic(_mail):
    """Return the header by which an answer says that it is automatic (RFC 3834)."""
    return {"Auto_Submitted": "auto-replied"}
