"""An SMTP server that answers what a test wants, and counts round trips."""

import socket
import threading
from contextlib import suppress

# After which a server may interrupt a message.
_SOME_LINES = 1000
CLOSE = object()
HANG = object()


class PipeliningServer:
    """Takes any number of connections; reads all commands that are there before it answers them.

    :param answers: (command, such as "RCPT TO:<a@b.example>") -> reply, a list of replies for one time each, a function,
        CLOSE or HANG; by the longest beginning. "." is the end of the data,
        "during data" after a thousand lines of it
    :param extensions: of EHLO
    :ivar messages: (sender, recipients, data as it came over the wire, without the dot)
    :ivar groups: what came together, one list of commands each
    """

    def __init__(self, answers=None, extensions=("PIPELINING", "8BITMIME", "SIZE 1000000")):
        self.answers, self.extensions = answers or {}, extensions
        self.messages, self.groups, self.connections = [], [], 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    @property
    def commands(self):
        """All commands, in order."""
        return [command for group in self.groups for command in group]

    def stop(self):
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _run(self):
        while not self._stopping.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, suppress(OSError):
            connection.settimeout(10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Talk(self, connection).run()

    def reply(self, command, usual):
        """Return what is to be answered to a command."""
        beginnings = [beginning for beginning in self.answers if command.upper().startswith(beginning.upper())]
        answer = self.answers[max(beginnings, key=len)] if beginnings else usual
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else usual
        if callable(answer):
            answer = answer()
        if answer is HANG:
            self._stopping.wait(10)
            return CLOSE
        return answer


class _Talk:
    def __init__(self, server, connection):
        self._server, self._connection = server, connection
        self._buffer, self._in_data = b"", False
        self._sender, self._recipients, self._lines = None, [], []

    def run(self):
        greeting = self._server.reply("connect", b"220 test\r\n")
        if greeting is CLOSE:
            return
        self._connection.sendall(greeting)
        while True:
            received = self._connection.recv(1 << 20)
            if not received:
                return
            self._buffer += received
            lines = self._buffer.split(b"\r\n")
            self._buffer = lines.pop()
            self._server.groups.append([])
            replies = []
            for line in lines:
                replies.append(self._answer(line))
                if replies[-1] is CLOSE:
                    self._connection.sendall(b"".join(replies[:-1]))
                    return
            self._connection.sendall(b"".join(replies))

    def _answer(self, line):
        if self._in_data:
            return self._data_line(line)
        command = line.decode()
        self._server.groups[-1].append(command)
        reply = self._server.reply(command, self._usual(command))
        word = command[:4].upper()
        if reply is not CLOSE and reply[:1] == b"2":
            if word == "MAIL":
                self._sender = command
            elif word == "RCPT":
                self._recipients.append(command)
        if reply is not CLOSE and reply[:3] == b"354":
            self._in_data = True
        if word in ("MAIL", "RSET"):
            self._recipients = []
        return reply

    def _usual(self, command):
        word = command[:4].upper()
        if word == "EHLO":
            names = ("test", *self._server.extensions)
            return b"".join(f"250{'-' if name != names[-1] else ' '}{name}\r\n".encode() for name in names)
        if word == "DATA":
            return b"354 go ahead\r\n" if self._recipients else b"554 5.5.1 no valid recipients\r\n"
        return b"250 2.0.0 ok\r\n"

    def _data_line(self, line):
        if line != b".":
            self._lines.append(line)
            return self._server.reply("during data", b"") if len(self._lines) == _SOME_LINES else b""
        self._in_data = False
        self._server.groups[-1].append(".")
        number = len(self._server.messages) + 1
        reply = self._server.reply(".", f"250 2.0.0 queued as {number}\r\n".encode())
        if reply is CLOSE or reply[:1] == b"2":
            self._server.messages.append((self._sender, self._recipients, b"\r\n".join(self._lines)))
        self._lines, self._recipients = [], []
        return reply
