"""Template databases, installed once, and clones of them, made in seconds."""

import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from lab.host import locks, stamps
from lab.host.console import say, step
from lab.host.paths import DATA, LAB, LOGS
from lab.host.processes import age_mark
from lab.odoo import installed, source
from lab.odoo.runs import ModuleProgress, install, shell
from lab.servers.postgres import Postgres

FILESTORES = DATA / "filestore"
# Odoo's paid services would look up the sender of every new lead: this address is a closed port.
_STAYS_ON_THE_MACHINE = "env['ir.config_parameter'].set_param('iap.endpoint', 'http://127.0.0.1:9')\nenv.cr.commit()"

# Odoo creates this extension only in databases that it creates itself.
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"

_OF_A_RUN = re.compile(r"(?:e2e|unit|core)_(\d+)(?![^_.-])")
_LOGS_STAY = 24 * 3600


@dataclass(frozen=True)
class Template:
    """A database to clone: its parent is another template or None, and some modules are added."""

    name: str
    parent: object
    modules: tuple

    @property
    def database(self):
        """Its name in PostgreSQL."""
        return f"template_{self.name}"

    def digest(self):
        """Hash everything that the database is made from."""
        parent = self.parent.digest() if self.parent else source.version() + _STAYS_ON_THE_MACHINE + _EXTENSION
        addon = installed.parts(source.ADDON) if source.ADDON.name in self.modules else ()
        return stamps.digest(parent, *self.modules, *addon)


BASE = Template(
    "base",
    None,
    ("base", "mail", "crm", "project", "hr_recruitment", "mass_mailing", "google_gmail", "microsoft_outlook"),
)
GATEWAY = Template("gateway", BASE, ("mail_gateway",))
CORE = Template("core", None, ("test_mail",))
CORE_TESTS = Template("core_tests", CORE, ("mail_gateway",))

TEMPLATES = {template.name: template for template in (BASE, GATEWAY, CORE, CORE_TESTS)}


def ensure(*names):
    """Build templates and their parents unless they are up to date; those without a common parent at the same time.

    :param names: of base, gateway, core, core_tests
    :raises LabError: when an installation fails, with Odoo's own messages
    """
    families = {}
    for name in names:
        families.setdefault(_root(TEMPLATES[name]), []).append(TEMPLATES[name])
    with _alone(), ThreadPoolExecutor(len(families)) as pool:
        for built in [pool.submit(_ensure_family, family) for family in families.values()]:
            built.result()


def _root(template):
    return _root(template.parent) if template.parent else template


def _ensure_family(family):
    for template in family:
        _ensure(template)


def clone(template, name):
    """Make the database *name* a copy of a template, which is built first if necessary; an old *name* is dropped."""
    with _alone():
        _ensure(TEMPLATES[template])
        _drop(name)
        _copy(TEMPLATES[template].database, name)
    (LOGS / f"{name}.log").unlink(missing_ok=True)
    return name


@contextmanager
def prepared(template, name, *further):
    """Use the database *name* exclusively; it is a copy of a template and is kept for the next time.

    Yields whether it is a fresh copy: there was none, the template has changed, or the last use was interrupted.

    :param further: plain values on which the database depends besides the template
    """
    digest = stamps.digest(TEMPLATES[template].digest(), *further)
    busy = partial(say, f"          the database {name} is in use by another command: waiting for it")
    with locks.exclusive(f"database-{name}", when_busy=busy):
        is_fresh = not (stamps.is_current(f"database-{name}", digest) and name in Postgres().databases())
        stamps.forget(f"database-{name}")
        if is_fresh:
            clone(template, name)
        yield is_fresh
        stamps.write(f"database-{name}", digest)


def drop(name):
    """Drop the database *name*, if it exists, and its attachments; the log of its server stays."""
    _drop(name)


def run_name(kind, detail=""):
    """Return a database name with this pid, by which :func:`drop_abandoned` sees that nobody needs it any more."""
    return f"{kind}_{os.getpid()}_{detail}"[:60].rstrip("_")


def drop_abandoned():
    """Drop the databases of test runs that were killed, and delete their logs when they are older than a day."""
    # Without the lock, runs that start at the same time would drop the same databases.
    with locks.exclusive("abandoned"):
        for name in filter(_is_abandoned, Postgres().databases()):
            _drop(name)
        for log in filter(_is_old_log, LOGS.glob("*_*")):
            log.unlink()


def _is_abandoned(name):
    found = _OF_A_RUN.match(name)
    return bool(found) and not age_mark(int(found[1]))


def _is_old_log(file):
    return _is_abandoned(file.name) and time.time() - file.stat().st_mtime > _LOGS_STAY


def _ensure(template):
    if _is_current(template):
        return
    if template.parent:
        _ensure(template.parent)
    progress = ModuleProgress()
    with step(f"template database {template.name}: {', '.join(template.modules)}", progress):
        _build(template, progress)


def _is_current(template):
    return stamps.is_current(_stamp(template), template.digest()) and template.database in Postgres().databases()


def _build(template, progress):
    # It is built under another name: a failed installation leaves the old template, without a stamp.
    digest, draft = template.digest(), f"{template.database}_draft"
    stamps.forget(_stamp(template))
    _drop(draft)
    if template.parent:
        _copy(template.parent.database, draft)
    else:
        Postgres().create_database(draft)
        Postgres().execute(_EXTENSION, database=draft)
    install(draft, template.modules, note=progress.note)
    if not template.parent:
        _keep_on_the_machine(draft)
        _prepare_assets(draft)
    _drop(template.database)
    _rename(draft, template.database)
    stamps.write(_stamp(template), digest)


def _keep_on_the_machine(database):
    shell(database, _STAYS_ON_THE_MACHINE)


def _prepare_assets(database):
    # Otherwise the first page of every clone would take ten seconds.
    shell(database, "env['ir.qweb']._pregenerate_assets_bundles()\nenv.cr.commit()")


def _copy(source, target):
    Postgres().create_database(target, source)
    if (FILESTORES / source).is_dir():
        # Hard links suffice: Odoo names these files by their content and never writes to them again.
        shutil.copytree(FILESTORES / source, FILESTORES / target, copy_function=os.link)


def _rename(source, target):
    Postgres().rename_database(source, target)
    if (FILESTORES / source).is_dir():
        (FILESTORES / source).rename(FILESTORES / target)


def _drop(name):
    Postgres().drop_database(name)
    shutil.rmtree(FILESTORES / name, ignore_errors=True)


def _stamp(template):
    return f"template-{template.name}"


def _alone():
    # No database is cloned while a template is replaced, and no template is replaced while it is cloned.
    busy = partial(say, f"          another process of this lab works on the databases ({LAB}): waiting for it")
    return locks.exclusive("databases", when_busy=busy)
