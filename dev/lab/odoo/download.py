"""Odoo 19 as Debian's development distribution packages it, unpacked (not installed) under .lab/odoo."""

import os
import shutil
import subprocess

from lab.errors import LabError
from lab.host import stamps
from lab.host.paths import LAB
from lab.host.processes import run
from lab.odoo import source

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FROM_SID = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
)
# The package in sid has another layout than the links in the package odoo-19 expect.
_FROM_STABLE = ("fonts-font-awesome",)
_ELSE = "Is the network there? Try again, or set ODOO_SOURCE to a checkout of Odoo 19."

_APT = LAB / "apt"
_TARGET = LAB / "odoo"


def fetch():
    """Download and unpack Odoo if necessary; return a remark that says where it came from.

    :raises LabError: when it cannot be downloaded, or its signature does not match
    """
    if os.environ.get("ODOO_SOURCE"):
        return f"from ODOO_SOURCE, {source.directory()}"
    digest = stamps.digest(*_FROM_SID, *_FROM_STABLE)
    if not (stamps.is_current("odoo", digest) and _TARGET.is_dir()):
        _download()
        _unpack()
        stamps.write("odoo", digest)
    return f"odoo-19 {_unpacked_version()}"


def progress():
    """Return how much has been downloaded, in words."""
    found = [file.stat().st_size for file in _APT.rglob("*") if file.is_file()] if _APT.is_dir() else []
    return f"{sum(found) // 1_000_000} MB so far" if found else ""


def _download():
    shutil.rmtree(_APT, ignore_errors=True)
    for directory in ("lists/partial", "archives/partial", "packages"):
        (_APT / directory).mkdir(parents=True)
    (_APT / "sid.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} sid main\n")
    run(["apt-get", *_private_lists(), "update"], "read the package list of Debian sid", _ELSE)
    _apt_download(_FROM_SID, _private_lists())
    _apt_download(_FROM_STABLE, ["-o", "APT::Sandbox::User=root"])


def _apt_download(names, options):
    run(["apt-get", *options, "download", *names], f"download {' '.join(names)}", _ELSE, cwd=_APT / "packages")


def _private_lists():
    """Return options that keep apt away from the system's own lists and sources."""
    settings = {
        "Dir::Etc::sourcelist": _APT / "sid.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State::lists": _APT / "lists",
        "Dir::Cache": _APT,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        # This makes an unreadable index an error, instead of a warning with exit code 0.
        "APT::Update::Error-Mode": "any",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _mirror():
    """Return the Debian mirror that this machine's apt is configured with.

    :raises LabError: when there is none
    """
    for address, component, origin, release in _index_targets("$(ORIGIN)", "$(RELEASE)"):
        # The security archive is another tree and has no sid.
        if (component, origin) == ("main", "Debian") and "security" not in release:
            return address
    # On a fresh image without package lists, apt knows addresses, but not yet their origin.
    for address, component, *_unknown in _index_targets("-", "-", "--no-release-info"):
        if component == "main" and address.rstrip("/").endswith("/debian"):
            return address
    raise LabError("apt has no Debian mirror configured: add one to /etc/apt/sources.list and run `apt-get update`.")


def _index_targets(origin, release, *options):
    """Return lists of four words: address, component, and the values of the formats *origin* and *release*."""
    listing = subprocess.run(
        ["apt-get", "indextargets", *options, "--format", f"$(REPO_URI) $(COMPONENT) {origin} {release}"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [words for line in listing.splitlines() if len(words := line.split()) == 4]


def _unpack():
    shutil.rmtree(_TARGET, ignore_errors=True)
    _TARGET.mkdir()
    for package in sorted((_APT / "packages").glob("*.deb")):
        run(["dpkg", "-x", package, _TARGET], f"unpack {package.name} into {_TARGET}")
    # These 130 MB are not needed again: the next download would get newer versions.
    version = next((_APT / "packages").glob("odoo-19_*.deb")).name.split("_")[1]
    (_TARGET / "version").write_text(version)
    shutil.rmtree(_APT)


def _unpacked_version():
    file = _TARGET / "version"
    if not file.is_file():
        raise LabError(f"{_TARGET} is damaged: run `make clean` and try again.")
    return file.read_text()
