"""The addon's own tests."""

from lab import databases
from lab.console import say, step
from lab.odoo_runs import errors
from lab.odoo_tests import progress_of, run_tests
from lab.postgres import Postgres


def run(tags="/mail_gateway"):
    """Run the tests of the addon on a fresh clone and print the outcome.

    :param tags: Odoo's --test-tags, to run a part
    :returns: 0 when some test ran and all passed, else 1
    """
    database = databases.run_name("unit")
    with Postgres():
        databases.clone("gateway", database)
        try:
            with step(f"tests {tags}", progress_of(database)) as remarks:
                outcome = run_tests(database, tags=tags)
                remarks.append(str(outcome))
        finally:
            databases.drop(database)
    return report(outcome)


def report(outcome):
    """Print failures with their tracebacks, or that there was nothing to run; return the exit code."""
    if outcome.failed:
        say("\n".join(errors(log.read_text()) for log in outcome.logs))
        say("\n".join(f"FAILED {name}" for name in outcome.failed))
    elif not outcome.ok:
        say("No test ran: that counts as a failure.")
    return 0 if outcome.ok else 1
