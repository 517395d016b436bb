"""Core's own tests of mail, run with the addon installed, which must not break what they test."""

from lab.errors import LabError
from lab.host.console import say, step
from lab.host.paths import ROOT
from lab.odoo.runs import errors
from lab.testing.runs import clone_names, progress_of, run_on_clones

TAGS = "/mail,/test_mail"
EXCEPTIONS = ROOT / "dev" / "core_exceptions.txt"


def run(tags=TAGS, template="core_tests"):
    """Run the tests on fresh clones, two parts at a time, and compare what failed with the listed exceptions.

    Browser tours skip themselves: the environment lacks the library with which core drives the browser.

    :param tags: Odoo's --test-tags, to run a part
    :param template: "core" runs them without the addon
    :returns: 0 when some test ran and all that failed are listed, else 1
    """
    clones = clone_names("core")
    with step(f"core's tests {tags}, template {template}", progress_of(*clones)) as remarks:
        outcome = run_on_clones(template, clones, tags)
        remarks.append(str(outcome))
    return _judge(outcome, _read_exceptions())


def _judge(outcome, exceptions):
    unexpected = [name for name in outcome.failed if name not in exceptions]
    for name in sorted(set(outcome.failed) & set(exceptions)):
        say(f"expected   {name}: {exceptions[name]}")
    for name in sorted(exceptions):
        if outcome.outcomes.get(name) == "passed":
            say(f"passes now {name}: take it out of {EXCEPTIONS.relative_to(ROOT)}")
    if unexpected:
        say("\n".join(errors(log.read_text()) for log in outcome.logs))
    for name in unexpected:
        say(f"FAILED     {name}")
    passed, failed = outcome.count("passed"), len(outcome.failed)
    say(f"{passed} passed, {failed} failed" + (f" ({failed - len(unexpected)} of them expected)" if failed else ""))
    if not passed:
        say("No test ran: that counts as a failure.")
    return 0 if passed and not unexpected else 1


def _read_exceptions():
    """Return a dictionary from a test's name to the reason why it may fail.

    :raises LabError: when a line gives no reason
    """
    reasons = {}
    for line in EXCEPTIONS.read_text().splitlines() if EXCEPTIONS.exists() else ():
        name, _sign, reason = (part.strip() for part in line.partition("#"))
        if name and not reason:
            raise LabError(f"{EXCEPTIONS}: no reason is given for {name}; write one behind a #.")
        if name:
            reasons[name] = reason
    return reasons
