"""Reading a POP3 mailbox (RFC 1939). The ledger of UIDLs says what is known; DELE takes effect only with QUIT."""

import hashlib
import poplib
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO

from .bounds import bounded
from .imap_connection import in_windows
from .mailbox import (
    Batch,
    Ledger,
    MailboxSettings,
    MessagesRefused,
    RemoteMessage,
    SignInRefused,
    head_of,
    server_words,
)
from .pace import Pace
from .pop3_protocol import Pop3

# no server lists more, and no list of numbers is made that is longer
MAX_LISTED = 1_000_000
# bytes; RFC 1939 knows 70
MAX_UIDL = 250
# bytes of a head that the server may send; less of it is kept
MAX_HEAD = 4 * 2**20
CHECKED_BYTES = 2**20
_NUMBER = re.compile(r"0*([1-9]\d{0,9})")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")


class MessageTooLarge(EOFError):
    """A message is larger than the server says. What is left of it is not read, so that the connection has to end."""

    def __init__(self):
        super().__init__("a message is larger than the server says")


def _as_name(uidl: str) -> str:
    """A UIDL as a part of a key: no control characters, and no longer than a key may be."""
    return bounded(_CONTROL.sub(lambda char: f"\\x{ord(char[0]):02x}", uidl), MAX_UIDL)


class Pop3Mailbox:
    """One signed-in POP3 connection.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
    :raises EOFError: when the server closes the connection
    :raises poplib.error_proto: when the server refuses
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._numbers = None
        self._listed = None
        self._has_uidl = True
        self._has_refused = False
        self._unnamed = {}
        self._copies = Counter()
        self._deleted = []
        self._confirmed = []
        self._client = self._connect()

    def _connect(self) -> Pop3:
        settings = self.settings
        client = Pop3(settings)
        try:
            if settings.starttls and not settings.tls:
                self._start_tls(client)
            self._sign_in(client)
        except BaseException:
            with suppress(OSError):  # a failed handshake closed the socket already
                client.close()
            raise
        return client

    def _start_tls(self, client: Pop3) -> None:
        try:
            client.stls(context=self.settings.tls_context())
        except poplib.error_proto as error:
            raise ssl.SSLError(server_words(error)) from error

    def _sign_in(self, client: Pop3) -> None:
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
        if not self._client.budget.exceeded:
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
        # an empty listing may also be a mail server that is not well
        forgets = bool(numbers) and not self._deletes
        if forgets and self._has_uidl:
            ledger.forget_vanished(self._key("UIDL", ""), [*numbers, *self._unnamed.values()])
        known = ledger.known([*numbers, *self._unnamed.values()])
        heads = ledger.heads(known)
        yield from self._read_requested(ledger, pace)
        settled = heads if self._deletes else known
        # what is new comes before what is only to be compared, or a line that breaks again and again would not get on
        ordered = sorted(numbers, key=lambda key: (key in known, key in self._unnamed))
        sizes, left = self._sizes(), {}
        for window in in_windows(key for key in ordered if key not in settled):
            left |= {key: sizes.get(numbers[key], 0) for key in window}
            large = [key for key in window if left[key] > self.settings.largest and key not in known]
            yield from self._read_heads(large, left, known, ledger)
            yield from self._read(left, known, ledger, pace, pace.what_fits)
        yield from self._read(left, known, ledger, pace, pace.what_is_left)
        forgets = forgets and not self._has_refused and not left
        if forgets and not self._has_uidl:
            ledger.forget_vanished(self._key("UIDL", "sha256:"), list(numbers))

    def _read(self, wanted, known, ledger, pace, choose) -> Iterator[Batch]:
        """What is new, and what has to be compared with what is stored under its name.

        :param wanted: key -> bytes of what is still to be read; loses what was asked for
        """
        while keys := choose(wanted):
            sources, refusal, broken = self._retrieve_in_time(keys, wanted, known, pace)
            messages, stored = self._tell_apart(sources, known, ledger)
            done = [] if broken else [*stored, *(message.key for message in messages if not message.is_head)]
            yield Batch(messages, done, refusal=refusal)
            self._has_refused |= bool(refusal)
            if broken:
                raise broken

    # ------------------------------------------------------------------ what is large

    def _read_heads(self, keys: list[str], wanted: dict[str, int], known, ledger) -> Iterator[Batch]:
        """Of what is larger than may be, the head: the rest stays on the server until a person wants it."""
        for key in keys:
            size = wanted.pop(key)
            heads = {key: self._head(self._numbers[key])}
            messages, _stored = self._tell_apart(heads, known, ledger)
            yield Batch([RemoteMessage(message.key, message.source, size) for message in messages], [])

    def _head(self, number: int) -> bytes:
        """The headers, nothing where the server can't tell them alone: TOP is optional (RFC 1939, section 7)."""
        try:
            return head_of(self._long_reply(f"TOP {number} 0", MAX_HEAD))
        except poplib.error_proto as error:
            if server_words(error).startswith("-ERR"):
                return b""
            raise

    def _read_requested(self, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        """What a person wants although it is large: whole, one by one, each as long as the visit may take."""
        numbers = self._numbers_by_key()
        for key in ledger.requested():
            size = self._sizes().get(numbers.get(key), 0)
            if key not in numbers or size > self.settings.most:
                continue
            pace.begin(size)
            source = self._long_reply(f"RETR {numbers[key]}", self.settings.most, pace.check)
            pace.finish(len(source))
            if len(source) > self.settings.most:
                raise MessageTooLarge
            yield Batch([RemoteMessage(key, source, was_requested=True)], [key])

    # ------------------------------------------------------------------ under which name

    def _tell_apart(
        self, sources: dict[str, bytes], known: set[str], ledger: Ledger
    ) -> tuple[list[RemoteMessage], list[str]]:
        """What is new, and the keys of what is stored.

        A UIDL may be given to another message once its own is gone (RFC 1939, section 7): to delete by UIDL what
        was left there, or was seen to be deleted, would lose that one. Messages that share a UIDL, or have none, have
        a name by their content.
        """
        by_content = {key: self._name_by_content(key, source) for key, source in sources.items()}
        stored_names = ledger.known(by_content.values()) if sources else ()
        doubtful = [source for key, source in sources.items() if self._unnamed.get(key, key) in known]
        stored_sources = ledger.known_sources(doubtful) if doubtful else ()
        messages, stored = [], []
        for key, source in sources.items():
            name = key if key not in known and key not in self._unnamed else by_content[key]
            is_copy = ";COPY=" in by_content[key].removeprefix(self._unnamed.get(key, key))
            if by_content[key] in stored_names or (source in stored_sources and not is_copy):
                stored.append(self._rename(key, key if key in known else name))
            else:
                messages.append(self._message(self._rename(key, name), source))
        return messages, stored

    def _message(self, key: str, source: bytes) -> RemoteMessage:
        """What was retrieved; of what turned out to be too large only the head is kept, as if its size had been told."""
        if len(source) <= self.settings.largest:
            return RemoteMessage(key, source)
        return RemoteMessage(key, head_of(source), len(source))

    def _name_by_content(self, key: str, source: bytes) -> str:
        """A name for a message that needs another than its UIDL; copies are numbered."""
        digest = hashlib.sha256(source).hexdigest()
        if key in self._unnamed and not self._has_uidl:
            name = self._key("UIDL", f"sha256:{digest}")
        else:
            name = f"{self._unnamed.get(key, key)};SHA256={digest}"
        self._copies[name] += 1
        return name if self._copies[name] == 1 else f"{name};COPY={self._copies[name]}"

    def _rename(self, key: str, name: str) -> str:
        """`name`, which from now on is that of the message."""
        self._numbers[name] = self._numbers[key]
        return name

    def _retrieve_in_time(
        self, keys: Iterable[str], wanted: dict[str, int], known: set[str], pace: Pace
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
                # what is stored under its name may be there whole, at a person's request
                most = self.settings.most if key in known else self.settings.largest
                sources[key] = self._long_reply(f"RETR {self._numbers[key]}", most)
                pace.finish(len(sources[key]))
                if len(sources[key]) > most:
                    broken = MessageTooLarge()  # the rest of it is still to come
                    break
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
        """Remote key -> message number of this session.

        Messages without a UIDL of their own have keys that hold for this session alone.
        """
        if self._numbers is None:
            uidls = self._uidls()
            shared = Counter(uidls.values())
            self._numbers = {}
            for number, uidl in uidls.items():
                key = name = self._key("UIDL", uidl)
                if not uidl or shared[uidl] > 1:
                    key = f"{name}\1{number}"
                    self._unnamed[key] = name
                self._numbers[key] = number
        return self._numbers

    def _uidls(self) -> dict[int, str]:
        """Message number -> UIDL, "" where there is none; lines that make no sense are passed over."""
        try:
            listing = self._client.uidl()[1]
            self._has_uidl = True
        except poplib.error_proto:
            # UIDL is optional (RFC 1939, section 7); a server without it is known by content
            listing, self._has_uidl = (), False
        uidls = {}
        for line in listing[:MAX_LISTED]:
            # two different UIDLs must not become one, whatever bytes they are
            number, _space, uidl = line.decode("ascii", "backslashreplace").partition(" ")
            if found := _NUMBER.fullmatch(number):
                uidls.setdefault(int(found[1]), _as_name(uidl.strip()))
        for number in self._sizes():
            uidls.setdefault(number, "")
        return uidls

    def _sizes(self) -> dict[int, int]:
        """Message number -> bytes; lines that make no sense are passed over."""
        if self._listed is None:
            self._listed = {}
            for line in self._client.list()[1][:MAX_LISTED]:
                number, _space, rest = line.decode("ascii", "replace").partition(" ")
                size = rest.split(" ")[0]
                if found := _NUMBER.fullmatch(number):
                    self._listed.setdefault(int(found[1]), int(size) if re.fullmatch(r"[0-9]{1,15}", size) else 0)
        return self._listed

    def _long_reply(self, command: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """As poplib's own, but in one piece of memory instead of one for each line.

        :param most: bytes; a reply that is longer is not read to its end, and the connection is of no use any more
        :param check: called every megabyte, to raise what ends the visit
        """
        self._client.allow(most)
        self._client._putcmd(command)
        self._client._getresp()
        reply, checked = BytesIO(), 0
        while (line := self._client._getline()[0]) != b".":
            reply.write(line[1:] if line.startswith(b"..") else line)
            reply.write(b"\r\n")
            self._client.budget.begin()  # lines are not kept, so that only their bytes count
            if reply.tell() > most:
                self._client.budget.exceeded = True
                break
            if reply.tell() - checked > CHECKED_BYTES:
                checked = reply.tell()
                check()
        return reply.getvalue()

    def _key(self, kind: str, value: str) -> str:
        return f"pop://{self.settings.account}/;{kind}={value}"

    # ------------------------------------------------------------------ afterwards

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Have what is stored deleted; what the server does not delete keeps nothing else from it.

        :raises poplib.error_proto: what the server refused on the way
        """
        numbers = self._numbers_by_key()
        refusal = None
        for key in keys:
            if not self._deletes or key not in numbers:
                self._confirmed.append(key)
                continue
            try:
                self._client.dele(numbers[key])
                self._deleted.append(key)
            except poplib.error_proto as error:
                if not server_words(error).startswith("-ERR"):
                    raise
                refusal = error
        if refusal:
            raise refusal

    def acknowledged(self) -> list[str]:
        return self._confirmed

    def check(self) -> None:
        """POP3 has no folders: whoever can sign in can read."""
        try:
            self._client.stat()
        except (ValueError, LookupError) as error:
            raise poplib.error_proto("-ERR a reply to STAT that makes no sense") from error

    def remember(self, ledger: Ledger) -> None:
        """POP3 does not tell read from unread: all that is there is new, as with Odoo's own gateway."""
