"""A relay as some providers run it: an SMTP server that passes messages on under a Message-Id of its own."""

import asyncio
import re
import secrets
import smtplib

from aiosmtpd.smtp import SMTP

from lab.host import ports
from lab.host.background import LoopServer

_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)*(\S+)[ \t]*\r?\n", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")


class Relay(LoopServer):
    """The relay; it accepts a message if the next server does, and otherwise answers 451.

    :param target_port: the SMTP port of the next server
    :param hostname: the domain of its Message-Ids
    """

    def __init__(self, target_port, hostname="relay.example", port=None):
        self.target_port = target_port
        self.hostname = hostname
        self.port = port or ports.any_free()
        # The Message-Id with which a message came -> the one with which it was passed on.
        self.renamed = {}

    async def handle_DATA(self, _server, _session, envelope):
        """Pass a message on; aiosmtpd calls it."""
        pass_on = asyncio.get_running_loop().run_in_executor(None, self._pass_on, envelope)
        return await pass_on

    async def _listen(self):
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Session(self, hostname=self.hostname, enable_SMTPUTF8=True), "127.0.0.1", self.port
        )

    def _pass_on(self, envelope):
        try:
            with smtplib.SMTP("127.0.0.1", self.target_port, timeout=60) as client:
                client.sendmail(envelope.mail_from, envelope.rcpt_tos, self._rename(envelope.original_content))
        except smtplib.SMTPException as error:
            return f"451 4.3.0 {error}"
        return "250 2.0.0 passed on"

    def _rename(self, raw):
        """Return the source with another Message-Id; other headers, such as References, stay."""
        head_end = _HEAD_ENDS.search(raw).end()
        head, body = raw[:head_end], raw[head_end:]
        new = f"<{secrets.token_hex(16)}@{self.hostname}>"
        if known := _MESSAGE_ID.search(head):
            self.renamed[known[1].decode("ascii", "replace")] = new
        return f"Message-Id: {new}\r\n".encode() + _MESSAGE_ID.sub(b"", head) + body


class _Session(SMTP):
    line_length_limit = 1024 * 1024
