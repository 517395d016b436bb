"""An SMTP server that answers what a script says and keeps the messages that it accepts."""

import asyncio
import ssl
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, AuthResult

from lab.host import ports
from lab.host.background import LoopServer
from lab.servers import tls

CLOSE = "close"
TAKE_AND_CLOSE = "take and close"
HANG = "hang"

_DEFAULTS = {"mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok"}


@dataclass(frozen=True)
class Received:
    """A message that the server accepted."""

    sender: str
    recipients: tuple
    raw: bytes
    session: int
    reply: str


class ScriptedSmtp(LoopServer):
    """The server.

    The script says for "connect", "mail", "rcpt" and "data" what to answer: always the same reply; or a list of replies,
    one for each time, and then the default; or, for mail and rcpt, a dictionary from an address to either of these. A
    reply is a line such as "451 4.3.0 later", or one of these: ``CLOSE`` (cut the connection instead of answering),
    ``TAKE_AND_CLOSE`` (for data: accept the message, then cut, so that the client cannot know), ``HANG`` (never answer).

    :param script: may be changed, or replaced, while the server runs
    :param certificate: None for no STARTTLS, or "trusted", "untrusted", "expired"
    :param implicit_tls: TLS from the first byte
    :param auth: accept AUTH with any user and the password "secret"
    """

    def __init__(self, script=None, *, certificate=None, implicit_tls=False, auth=False, port=None):
        self.script = script or {}
        self.port = port or ports.any_free()
        self.received = []
        self.sessions = 0
        # AUTH, MAIL, RCPT and DATA commands in the order in which they came, such as ("rcpt", "a@x.example").
        self.commands = []
        self._certificate, self._implicit_tls, self._auth = certificate, implicit_tls, auth

    async def _listen(self):
        context = self._tls_context() if self._certificate else None
        options = {
            "hostname": "script.example",
            "enable_SMTPUTF8": True,
            "data_size_limit": 200 * 1024 * 1024,
            "tls_context": None if self._implicit_tls else context,
        }
        if self._auth:
            options.update(authenticator=_authenticate, auth_require_tls=False)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Session(self, **options), "127.0.0.1", self.port, ssl=context if self._implicit_tls else None
        )

    def _tls_context(self):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*tls.certificate(self._certificate))
        return context

    def reply(self, stage, address=None):
        """Return what the script says to this command, and remove it from the script if it is an item of a list."""
        answer = self.script.get(stage)
        if isinstance(answer, dict):
            answer = answer.get(address, answer.get("*"))
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        return answer


class _Session(SMTP):
    """One connection, with the script's answers."""

    # Odoo's messages may have long lines, and a test server should not refuse them.
    line_length_limit = 1024 * 1024

    def __init__(self, server, **options):
        super().__init__(_Handler(server), **options)
        self._script = server

    async def _handle_client(self):
        self._script.sessions += 1
        self.number = self._script.sessions
        answer = self._script.reply("connect")
        if answer:
            await _obey(self, answer)
            await self.push(answer)
            self.transport.close()
            return
        await super()._handle_client()


class _Handler:
    """The methods that aiosmtpd calls at each command."""

    def __init__(self, server):
        self._server = server

    async def handle_MAIL(self, session, _smtp_session, envelope, address, options):
        """Answer MAIL FROM."""
        answer = await self._answer(session, "mail", address)
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, session, _smtp_session, envelope, address, options):
        """Answer RCPT TO."""
        answer = await self._answer(session, "rcpt", address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, session, _smtp_session, envelope):
        """Answer a whole message, and keep it if the answer accepts it."""
        number = len(self._server.received) + 1
        self._server.commands.append(("data", None))
        answer = self._server.reply("data") or f"250 2.0.0 ok queued as {number:06X}"
        if answer.startswith("2") or answer == TAKE_AND_CLOSE:
            self._server.received.append(
                Received(
                    envelope.mail_from,
                    tuple(envelope.rcpt_tos),
                    bytes(envelope.original_content),
                    session.number,
                    answer,
                )
            )
        await _obey(session, answer)
        return answer

    async def _answer(self, session, stage, address):
        self._server.commands.append((stage, address))
        answer = self._server.reply(stage, address) or _DEFAULTS[stage]
        await _obey(session, answer)
        return answer


async def _obey(session, answer):
    """Carry out a special reply: cut the connection, or hang."""
    if answer in (CLOSE, TAKE_AND_CLOSE):
        session.transport.abort()
        raise asyncio.CancelledError
    if answer == HANG:
        await asyncio.get_running_loop().create_future()


def _authenticate(server, _session, _envelope, mechanism, data):
    server._script.commands.append(("auth", mechanism))
    # "handled" would mean that a refusal has been sent already.
    return AuthResult(success=data.password == b"secret", handled=False)
