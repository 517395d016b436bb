"""pytest without Odoo, for the tests of the addon's tools/: ``pytest -p lab.testing.without_odoo mail_gateway/tests/tools``.

The tests import from ``odoo.addons.mail_gateway.tools...``, as Odoo's own runner requires. Here the packages above
``tools`` are empty: neither Odoo nor the addon's models are imported, and an ``import odoo.tools`` fails.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

from lab.odoo.source import ADDON

_ADDON = f"odoo.addons.{ADDON.name}"
_PACKAGES = {
    "odoo": [],
    "odoo.addons": [],
    _ADDON: [str(ADDON)],
    f"{_ADDON}.tests": [str(ADDON / "tests")],  # its own __init__ imports all tests
}


class _SameModule:
    """Imports ``mail_gateway.x``, pytest's name for a file in these folders, as ``odoo.addons.mail_gateway.x``."""

    def find_spec(self, name, _path=None, _target=None):
        """Return a spec for the modules of the addon."""
        return ModuleSpec(name, self) if name.startswith(f"{ADDON.name}.") else None

    def create_module(self, _spec):
        """Let Python create a module, which :meth:`exec_module` replaces."""

    def exec_module(self, module):
        """Replace this module by the one with the longer name."""
        sys.modules[module.__name__] = import_module(f"odoo.addons.{module.__name__}")


def _install():
    for name, path in _PACKAGES.items():
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = path
        package.__file__ = f"{path[0]}/__init__.py" if path else None
    for name in (_ADDON, f"{_ADDON}.tests"):
        sys.modules[name.removeprefix("odoo.addons.")] = sys.modules[name]
    sys.meta_path.insert(0, _SameModule())


_install()
