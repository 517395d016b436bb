"""The addon's own tests."""

from lab.host.console import say, step
from lab.odoo.runs import errors
from lab.testing.runs import clone_names, progress_of, run_on_clones

TAGS = "/mail_gateway"


def run(tags=TAGS):
    """Run the tests of the addon and print the outcome; all of them on two clones at a time, a part on one.

    :param tags: Odoo's --test-tags, to run a part
    :returns: 0 when some test ran and all passed, else 1
    """
    clones = clone_names("unit") if tags == TAGS else clone_names("unit")[:1]
    with step(f"tests {tags}", progress_of(*clones)) as remarks:
        outcome = run_on_clones("gateway", clones, tags)
        remarks.append(str(outcome))
    return report(outcome)


def report(outcome):
    """Print failures with their tracebacks, or that there was nothing to run; return the exit code."""
    if outcome.failed:
        say("\n".join(errors(log.read_text()) for log in outcome.logs))
        say("\n".join(f"FAILED {name}" for name in outcome.failed))
    elif not outcome.ok:
        say("No test ran: that counts as a failure.")
    return 0 if outcome.ok else 1
