"""What ``make dev`` runs: Odoo with the addon on a database with sample mail, which notices when a file changes.

The sample mail comes by the chapters of the demo. The database stays for the next time, and is made anew when an
installation of the addon would be another one.
"""

import os
import sys
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
# To start again, Odoo becomes "python" anew, which has to be the environment's.
_FINDS_ITSELF = {"PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}


def main():
    """Serve until Ctrl-C; return the exit code."""
    return perform(develop, DATABASE)


def develop(story):
    """Fill the database when it is fresh, and serve."""
    database = KeptDatabase()
    with servers(story, database.open(), extra_args=("--dev", "reload,xml"), env=_FINDS_ITSELF) as demo:
        if database.is_fresh:
            play_chapters(SAMPLES, demo, story)
        lead_mail(demo)
        story.title = "serving"
        tell_where(demo)
        say("""
Odoo starts again when a Python file of the addon changes, and reads views anew at each look. A changed field, help,
view that others inherit from, or data file: end this and start it again, which makes the database anew.""")
        try:
            serve(demo)
        except DemoError as error:  # as after a change that cannot be imported; the database is good all the same
            warn(f"{error} Why, its log says: {demo.gateway.odoo.log}")


class KeptDatabase:
    """The database, which stays between runs; the servers that it names are those of this lab and its ports."""

    is_fresh = False

    @contextmanager
    def open(self):
        """Have it, made anew when need be; yields its name."""
        with databases.prepared("gateway", DATABASE, ports.port("postgres")) as self.is_fresh:
            yield DATABASE


def fails(demo, story):
    """A message that another addon cannot process, however often it is tried."""
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
