"""Reading a POP3 mailbox (RFC 1939). The ledger of UIDLs says what is known; DELE takes effect only with QUIT."""

import hashlib
import poplib
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from .mailbox import (
    Batch,
    Ledger,
    MailboxSettings,
    MessagesRefused,
    RemoteMessage,
    SignInRefused,
    server_words,
)
from .pace import Pace

# A single line may hold megabytes of HTML. poplib stops at 2 kB, and that for the whole process.
LINE_LIMIT = 64 * 2**20


class _LongLines:
    """poplib's own reading of a line (Python 3.10 to 3.13), but for the limit."""

    def _getline(self):
        line = self.file.readline(LINE_LIMIT + 1)
        if len(line) > LINE_LIMIT:
            raise poplib.error_proto("line too long")
        if not line.endswith(b"\n"):
            # also half a line: cut after its first dot, it would pass for the end of the message
            raise EOFError("the server closed the connection")
        octets = len(line)
        return line.removesuffix(b"\n").removesuffix(b"\r"), octets


class _Pop3(_LongLines, poplib.POP3):
    pass


class _Pop3Tls(_LongLines, poplib.POP3_SSL):
    pass


class Pop3Mailbox:
    """One signed-in POP3 connection.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
    :raises EOFError: when the server closes the connection
    :raises poplib.error_proto: when the server refuses
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._numbers = None
        self._deleted = []
        self._confirmed = []
        self._client = self._connect()

    def _connect(self) -> poplib.POP3:
        settings = self.settings
        if settings.tls:
            client = _Pop3Tls(settings.host, settings.port, timeout=settings.timeout, context=settings.tls_context())
        else:
            client = _Pop3(settings.host, settings.port, timeout=settings.timeout)
        try:
            if settings.starttls and not settings.tls:
                self._start_tls(client)
            self._sign_in(client)
        except BaseException:
            with suppress(OSError):  # a failed handshake closed the socket already
                client.close()
            raise
        return client

    def _start_tls(self, client: poplib.POP3) -> None:
        try:
            client.stls(context=self.settings.tls_context())
        except poplib.error_proto as error:
            raise ssl.SSLError(server_words(error)) from error

    def _sign_in(self, client: poplib.POP3) -> None:
        try:
            self.settings.sign_in(client)
        except poplib.error_proto as error:
            raise SignInRefused(server_words(error)) from error

    def __enter__(self):
        return self

    def __exit__(self, exc_type, *_exc):
        self.disconnect()

    def disconnect(self):
        """Say QUIT, which is what deletes; only its good answer confirms the acknowledgements."""
        with suppress(OSError, EOFError, poplib.error_proto):
            self._client.quit()
            self._confirmed, self._deleted = self._confirmed + self._deleted, []
        self._client.close()

    # ------------------------------------------------------------------ what is new

    @property
    def _deletes(self) -> bool:
        return self.settings.afterwards == "delete"

    def leftovers(self, ledger: Ledger) -> list[str]:
        """What is gone from the server, or may stay there.

        What a lost connection left undeleted is read again by new_batches: QUIT may have taken effect although its
        answer was lost, and the UIDL may name another message since.
        """
        owed = ledger.unacknowledged()
        return [key for key in owed if key not in self._numbers_by_key()] if self._deletes else owed

    def new_batches(self, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        numbers = self._numbers_by_key()
        if numbers and not self._deletes:  # an empty listing may also be a mail server that is not well
            ledger.forget_vanished(self._key("UIDL", ""), list(numbers))
        known = ledger.known(list(numbers))
        sizes = self._sizes()
        settled = set() if self._deletes else known
        # what is new comes before what is only to be compared, or a line that breaks again and again would not get on
        ordered = sorted(numbers, key=lambda key: key in known)
        wanted = {key: sizes.get(numbers[key], 0) for key in ordered if key not in settled}
        for choose in (pace.what_fits, pace.what_is_left):
            while keys := choose(wanted):
                sources, refusal, broken = self._retrieve_in_time(keys, wanted, pace)
                stored = self._stored_before({key: sources[key] for key in sources if key in known}, ledger)
                messages = [
                    RemoteMessage(self._rename(key, source) if key in known else key, source)
                    for key, source in sources.items()
                    if key not in stored
                ]
                done = [] if broken else [*stored, *(message.key for message in messages)]
                yield Batch(messages, done, refusal=refusal)
                if broken:
                    raise broken

    def _stored_before(self, sources: dict[str, bytes], ledger: Ledger) -> list[str]:
        """Those of known keys that still name the message that was stored under them.

        A UIDL may be given to another message once its own is gone (RFC 1939, section 7): to delete by UIDL what
        was left there, or was seen to be deleted, would lose that one.
        """
        known = ledger.known_sources(list(sources.values())) if sources else ()
        return [key for key, source in sources.items() if source in known]

    def _rename(self, key: str, source: bytes) -> str:
        """A name of its own for a message whose UIDL was used before."""
        new = f"{key};SHA256={hashlib.sha256(source).hexdigest()}"
        self._numbers[new] = self._numbers[key]
        return new

    def _retrieve_in_time(
        self, keys: Iterable[str], wanted: dict[str, int], pace: Pace
    ) -> tuple[dict[str, bytes], MessagesRefused | None, Exception | None]:
        """What the server hands out in the time of a batch: what it can't read must not hold up the others.

        :param wanted: key -> bytes of what is still to be read; loses what was asked for
        :return: key -> source, what the server refused, and the error that ended the connection; what came before
            it counts, so that a line that breaks again and again still gets on
        """
        sources, refused, broken = {}, [], None
        end = pace.end_of_batch()
        for key in keys:
            try:
                pace.begin(wanted.pop(key))
                sources[key] = self._retrieve(self._numbers[key])
                pace.finish(len(sources[key]))
            except (OSError, EOFError, poplib.error_proto) as error:
                # anything but -ERR is no answer, or one that makes no sense
                if not server_words(error).startswith("-ERR"):
                    broken = error
                    break
                refused.append(error)
            if time.monotonic() > end:
                break
        return sources, MessagesRefused(refused) if refused else None, broken

    def _numbers_by_key(self) -> dict[str, int]:
        """Remote key -> message number of this session."""
        if self._numbers is None:
            self._numbers = {self._key("UIDL", uidl): number for number, uidl in self._list_uidl()}
        return self._numbers

    def _list_uidl(self) -> Iterator[tuple[int, str]]:
        try:
            listing = self._client.uidl()[1]
        except poplib.error_proto:
            # UIDL is optional (RFC 1939, section 7); a server without it is known by content
            listing = [b"%d sha256:%s" % (n, self._content(n)) for n in range(1, self._client.stat()[0] + 1)]
        for line in listing:
            # two different UIDLs must not become one, whatever bytes they are
            number, _space, uidl = line.decode("ascii", "backslashreplace").partition(" ")
            yield int(number), uidl.strip()

    def _content(self, number: int) -> bytes:
        return hashlib.sha256(self._retrieve(number)).hexdigest().encode()

    def _sizes(self) -> dict[int, int]:
        return dict(map(int, line.split()[:2]) for line in self._client.list()[1])

    def _retrieve(self, number: int) -> bytes:
        return b"\r\n".join(self._client.retr(number)[1]) + b"\r\n"

    def _key(self, kind: str, value: str) -> str:
        return f"pop://{self.settings.account}/;{kind}={value}"

    # ------------------------------------------------------------------ afterwards

    def acknowledge(self, keys: Iterable[str]) -> None:
        numbers = self._numbers_by_key()
        for key in keys:
            if self._deletes and key in numbers:
                self._client.dele(numbers[key])
                self._deleted.append(key)
            else:
                self._confirmed.append(key)

    def acknowledged(self) -> list[str]:
        return self._confirmed

    def check(self) -> None:
        """POP3 has no folders: whoever can sign in can read."""
        self._client.stat()

    def remember(self, ledger: Ledger) -> None:
        """POP3 does not tell read from unread: all that is there is new, as with Odoo's own gateway."""
