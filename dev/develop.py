"""The program of ``make dev``: it serves Odoo with the addon and sample mail, and reloads when a file changes.

Chapters of the demo create the sample mail. The database is kept for the next time, and is created again when an
installation of the addon would give another one.
"""

import os
import re
import sys
import threading
import time
from contextlib import contextmanager

from demo import perform, play_chapters, serve, servers, tell_where
from demo_chapters import (
    CHAPTERS,
    CUSTOMER,
    DemoError,
    becomes_a_lead,
    configure,
    is_answered,
    is_held,
    lead_mail,
    replies,
    wait,
)
from e2e.scene import FAILED, FAULTS
from lab.host import ports
from lab.host.console import say, warn
from lab.host.paths import PYTHON
from lab.odoo import databases

DATABASE = "dev"
# Lines of Odoo's log that a developer waits for: a restart, an error, the end of a traceback.
_EVENT = re.compile(
    rb"autoreload: |HTTP service .* running on| (?:ERROR|CRITICAL) |^\w+(?:\.\w+)*(?:Error|Exception)\b"
)
# When Odoo restarts itself, Python looks up the name "python" in PATH: it has to find the environment's.
_FINDS_ITSELF = {"PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}


def main():
    """Serve until Ctrl-C; return the exit code."""
    return perform(develop, DATABASE, "Everything that this started is stopped.")


def develop(story):
    """Fill the database if it is fresh, and serve."""
    database = KeptDatabase()
    with servers(story, database.open(), extra_args=("--dev", "reload,xml"), env=_FINDS_ITSELF) as demo:
        if database.is_fresh:
            play_chapters(SAMPLES, demo, story)
        lead_mail(demo)
        story.title = "serving"
        tell_where(demo)
        say(f"""
Odoo starts again when a Python file of the addon changes, and reads views from their files at each look. After a change
of a field, its help, a view that others inherit from or a data file, end this and start it again: then the database is
created again.

Ctrl-C, or kill -INT {os.getpid()}, ends this. Restarts and errors, from {demo.gateway.odoo.log}:""")
        follow(demo.gateway.odoo.log)
        try:
            serve(demo)
        except DemoError as error:  # for example after a change that cannot be imported; the database is still good
            warn(f"{error} Why, its log says: {demo.gateway.odoo.log}")


def follow(log):
    """Print restarts and errors from Odoo's log while this program runs.

    :param log: the file
    """
    threading.Thread(target=_print_events, args=(log, log.stat().st_size), name="follow", daemon=True).start()


def _print_events(log, position):
    while True:
        time.sleep(0.5)
        with log.open("rb") as file:
            file.seek(position)
            lines = file.read().splitlines(keepends=True)
        for line in lines if not lines or lines[-1].endswith(b"\n") else lines[:-1]:
            position += len(line)
            if _EVENT.search(line):
                say(line.decode(errors="replace").rstrip())


class KeptDatabase:
    """The database, which is kept between runs; its mail servers are those of this lab, on their present ports."""

    is_fresh = False

    @contextmanager
    def open(self):
        """Use it exclusively, and create it again if necessary; yields its name."""
        with databases.prepared("gateway", DATABASE, ports.port("postgres")) as self.is_fresh:
            yield DATABASE


def fails(demo, story):
    """A message with which another addon fails at every try."""
    demo.gateway.sql(FAULTS)
    demo.send(FAILED, "We need sixty desks.")

    def has_failed():
        demo.gateway.hurry(fetch=True)
        return demo.gateway.count(("subject", "=", FAILED), ("state", "=", "failed"))

    wait(f"“{FAILED}” has failed", has_failed)
    demo.gateway.sql("DROP FUNCTION fault CASCADE")
    story.saw(f"{CUSTOMER} wrote “{FAILED}”, and an addon raised an error each time: it is failed")


SAMPLES = [
    *(chapter for chapter in CHAPTERS if chapter[1] in {configure, becomes_a_lead, is_answered, replies, is_held}),
    ("A message cannot be processed", fails),
]


if __name__ == "__main__":
    sys.exit(main())
