"""Odoo's test runner takes the modules that are here under a name beginning with test_: all test_*.py in all folders."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import walk_packages


def _test_modules():
    for module in walk_packages(__path__, f"{__name__}."):
        name = module.name.rpartition(".")[2]
        # An administrator who runs the tests may not have hypothesis; the project's own test runs always do.
        if name.startswith("test_") and (find_spec("hypothesis") or not name.endswith("_properties")):
            yield module.name


for _name in _test_modules():
    globals()["test_" + _name.removeprefix(f"{__name__}.").replace(".", "_")] = import_module(_name)
