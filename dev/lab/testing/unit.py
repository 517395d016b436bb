"""The addon's own tests."""

from lab.errors import LabError
from lab.host.console import say, step
from lab.host.paths import ROOT
from lab.odoo.runs import errors
from lab.testing.runs import clone_names, progress_of, run_on_clones, run_prepared

TAGS = "/mail_gateway"
# This database is kept between runs of a part of the tests.
_DATABASE = "unit"


def run(which=TAGS):
    """Run the tests of the addon and print the outcome: all on two fresh clones at a time, a part on one that is kept.

    :param which: Odoo's --test-tags, such as ``/mail_gateway:TestRules``, or a file, to run a part
    :returns: 0 when some test ran and all passed, else 1
    """
    if which == TAGS:
        clones = clone_names("unit")
        return _run(which, clones, lambda: run_on_clones("gateway", clones, which))
    tags = _tags_of(which) if which.endswith(".py") else which
    return _run(which, [_DATABASE], lambda: run_prepared("gateway", _DATABASE, tags))


def _run(which, names, runs):
    with step(f"tests {which}", progress_of(*names)) as remarks:
        outcome = runs()
        remarks.append(str(outcome))
    return report(outcome)


def _tags_of(name):
    """Return Odoo's test tags for a file: its path below the directory of addons.

    :raises LabError: when there is no such file in the checkout
    """
    file = (ROOT / name).resolve()
    if not file.is_file() or ROOT not in file.parents:
        raise LabError(f"There is no file {name} in this checkout: name one below mail_gateway/tests.")
    return f"/{file.relative_to(ROOT)}"


def report(outcome):
    """Print failures with their tracebacks, or that no test ran; return the exit code."""
    if outcome.failed:
        say("\n".join(errors(log.read_text()) for log in outcome.logs))
        say("\n".join(f"FAILED {name}" for name in outcome.failed))
    elif not outcome.ok:
        say("No test ran: that counts as a failure.")
    return 0 if outcome.ok else 1
