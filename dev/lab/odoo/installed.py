"""The parts of an addon that an installation writes into the database: only their changes rebuild the templates.

Odoo stores the content of views, data and security files, and from Python what the classes of models define: fields with
their help, constraints, indexes, names. It runs methods only when they are called. The body of a method counts only if
it decides what is stored: the values of a selection, a default, a hook. Indirect effects of data files do not count:
after a change of `create` or of a stored computed field, records of data files show it only after ``make clean``.
"""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_DATA = {".xml", ".csv", ".js", ".scss"}
# Odoo reads these from the source, whichever version the database was installed from.
_NOT_INSTALLED = ("tests", "i18n")
_MODELS = ("models", "wizards")
# In these, the bodies of all functions count.
_WHOLE = ("migrations", "__manifest__")
_HOOKS = {"init", "_auto_init", "_register_hook", "_table_query", "pre_init_hook", "post_init_hook", "uninstall_hook"}
_DECORATORS = {"autovacuum", "constrains", "depends", "depends_context", "ondelete", "onchange"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parts(addon):
    """Return plain values and paths that change when an installation of the addon in this directory would change."""
    files = sorted(file for file in addon.rglob("*") if not _is_left_out(file.relative_to(addon).parts))
    found = [part for file in files if file.suffix in _DATA for part in (str(file.relative_to(addon)), file)]
    modules = {
        where: _Module(where, file)
        for file in files
        if file.suffix == ".py"
        for where in [file.relative_to(addon).with_suffix("").parts]
    }
    whole = [ast.dump(module.tree) for where, module in modules.items() if where[0] in _WHOLE]
    return [*found, *whole, *_Walk(modules).installed()]


def _is_left_out(names):
    return bool(set(names) & {*_NOT_INSTALLED, "__pycache__"})


@dataclass(eq=False)
class _Module:
    """One Python file of the addon."""

    where: tuple
    file: Path

    @cached_property
    def tree(self):
        """The syntax tree; empty if the file is not valid Python, as in the middle of an edit: Odoo will report it."""
        try:
            return ast.parse(self.file.read_bytes())
        except SyntaxError:
            return ast.Module([], [])

    @cached_property
    def definitions(self):
        """Name -> statement, of constants, classes and functions."""
        return {name: node for node in self.tree.body for name in _defined(node)}

    @cached_property
    def imported(self):
        """Name -> (path of the module in the addon, name there)."""
        return {
            alias.asname or alias.name: ((*self.where[: -node.level], *(node.module or "").split(".")), alias.name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and node.level
            for alias in node.names
        }

    @property
    def classes(self):
        """The classes of the file."""
        return [node for node in self.tree.body if isinstance(node, ast.ClassDef)]


class _Walk:
    """Collects statements and, recursively, everything that they refer to."""

    def __init__(self, modules):
        self._modules = modules
        self._found = set()
        self._seen = set()
        self._methods = {}
        for module in self._models():
            for node in (node for each in module.classes for node in each.body if isinstance(node, _FUNCTIONS)):
                self._methods.setdefault(node.name, []).append((module, node))

    def installed(self):
        """Return, as texts, the statements that an installation depends on."""
        for module in self._models():
            for node in module.classes:
                self._take_class(module, node)
        for module in (module for where, module in self._modules.items() if len(where) == 1):
            for name in _HOOKS & {*module.definitions, *module.imported}:
                self._take_name(module, name)
        return sorted(self._found)

    def _models(self):
        return [module for where, module in self._modules.items() if where[0] in _MODELS]

    def _take_class(self, module, taken):
        title = f"{'/'.join(module.where)}.{taken.name}"
        for base in taken.bases:
            self._take(module, base, title)
        for node in taken.body:
            if not isinstance(node, _FUNCTIONS):
                self._take(module, node, title)
                self._take_methods(_methods_named_by(node))
            elif node.name in _HOOKS:
                self._take(module, node, title)
            elif _DECORATORS & set(map(_last_name, node.decorator_list)):
                for decorator in node.decorator_list:
                    self._take(module, decorator, f"{title}.{node.name}")

    def _take(self, module, node, title):
        """Take a statement with all that it refers to."""
        text = f"{title}: {ast.dump(node)}"
        if text in self._found:
            return
        self._found.add(text)
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                self._take_name(module, part.id)
            elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                self._take_attribute(module, part.value.id, part.attr)

    def _take_name(self, module, name):
        if (module.where, name) in self._seen:
            return
        self._seen.add((module.where, name))
        definition = module.definitions.get(name)
        if isinstance(definition, ast.ClassDef):
            self._take_class(module, definition)
        elif definition:
            self._take(module, definition, "/".join(module.where))
        elif name in module.imported:
            where, original = module.imported[name]
            if other := self._module(where):
                self._take_name(other, original)

    def _take_attribute(self, module, owner, name):
        """Follow ``self._method`` and ``module.name``."""
        if owner in {"self", "cls"} and name.startswith("_"):
            self._take_methods({name})
        elif owner in module.imported:
            where, original = module.imported[owner]
            if other := self._module((*where, original)):
                self._take_name(other, name)

    def _take_methods(self, names):
        for name in names:
            for module, node in self._methods.get(name, ()):
                self._take(module, node, f"{'/'.join(module.where)}.{name}")

    def _module(self, where):
        where = tuple(filter(None, where))
        return self._modules.get(where) or self._modules.get((*where, "__init__"))


def _defined(node):
    """Return the names that a top-level statement of a file defines."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)]


def _methods_named_by(node):
    """Yield the names of methods that decide what Odoo stores about a field in this statement."""
    for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
        for value in (keyword.value for keyword in call.keywords if keyword.arg in {"selection", "default"}):
            if isinstance(value, ast.Name):
                yield value.id
            elif isinstance(value, ast.Constant):
                yield value.value


def _last_name(decorator):
    """Return ``depends`` for ``@api.depends("name")``."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
