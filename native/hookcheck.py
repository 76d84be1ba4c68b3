"""What is wrong with a hook and can be said in words of its source, before numba sees it.

numba would take an assignment to a parameter, or say of a field that does not exist no more than its name. Here the
syntax tree of the hook is walked, and those of the helpers that it hands its ``self``, ``view`` and ``out`` to.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from native import kernel
from native.kernel import OUT_DTYPE, VIEW_DTYPE, KernelError, Spec, suggest

_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.With: "a with statement cannot be compiled",
    ast.Import: "imports belong at the top of the file",
    ast.ImportFrom: "imports belong at the top of the file",
    ast.Yield: "a hook cannot yield",
    ast.YieldFrom: "a hook cannot yield",
    ast.Global: "a hook keeps what it remembers in state(...)",
    ast.Nonlocal: "a hook keeps what it remembers in state(...)",
    ast.AsyncFunctionDef: "a hook cannot be asynchronous",
}
_CALLS = ("print", "input", "open")
# What an argument is: the record of parameters and state; one view or out; the arrays of all views or outs.
_ROLES_OF_ONE = ("self", "view", "out")
_ROLES_OF_ALL = ("self", "views", "outs", "i")


def source_of(function: types.FunctionType) -> tuple[str, ast.FunctionDef]:
    """File and syntax tree of a function, with the file's own line numbers; KernelError when they cannot be had."""
    path = function.__code__.co_filename
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError) as e:
        raise KernelError(f"{path}: the source of {function.__qualname__} must be in a file: {e}") from e
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == function.__code__.co_firstlineno:
                return path, node
    raise KernelError(f"{path}: changed since {function.__qualname__} was loaded; load it again")


def check_hook(cls: type, spec: Spec, hook: str, function: types.FunctionType) -> None:
    """Raises KernelError, ``path:LINE: in hook: message``, for what can be told from the source."""
    path, tree = source_of(function)
    args = tree.args
    count = len(args.args)
    if count not in (3, 4) or args.vararg or args.kwarg or args.kwonlyargs or args.posonlyargs:
        message = f"a hook is {hook}(self, view, out) or {hook}(self, views, outs, i)"
        raise KernelError(f"{path}:{tree.lineno}: in {hook}: {message}")
    _Walk(cls, spec, hook, set()).walk(function, _ROLES_OF_ONE if count == 3 else _ROLES_OF_ALL)


@dataclass(frozen=True, slots=True)
class _Walk:
    cls: type
    spec: Spec
    hook: str
    seen: set[tuple[int, tuple[str, ...]]]

    def walk(self, function: types.FunctionType, roles: tuple[str, ...]) -> None:
        """Checks a function whose arguments play `roles` ("" for none), then the helpers that it calls with them."""
        if (id(function), roles) in self.seen:
            return
        self.seen.add((id(function), roles))
        path, tree = source_of(function)
        named = dict(zip((a.arg for a in tree.args.args), roles, strict=False))

        def role(node: ast.AST) -> str:
            if isinstance(node, ast.Name):
                return named.get(node.id, "")
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                return {"views": "view", "outs": "out"}.get(named.get(node.value.id, ""), "")
            return ""

        for node in ast.walk(tree):
            if (message := self._fault(node, role)) is not None:
                raise KernelError(f"{path}:{getattr(node, 'lineno', tree.lineno)}: in {self.hook}: {message}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = function.__globals__.get(node.func.id)
                passed = tuple(role(a) for a in node.args)
                if isinstance(called, Dispatcher) and any(passed) and called.py_func.__module__ != kernel.__name__:
                    self.walk(called.py_func, passed)

    def _fault(self, node: ast.AST, role: Callable[[ast.AST], str]) -> str | None:
        if (why := _FORBIDDEN.get(type(node))) is not None:
            return why
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            return f"a hook cannot {node.func.id}"
        if isinstance(node, ast.Attribute) and (message := self._field(node, role)) is not None:
            return message
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            owner, attr = _target(node, role)
            if owner == "self" and attr in self.spec.params:
                return f"self.{attr} is a parameter and read only; keep what changes in state(...)"
            if owner == "view":
                return "the view is read only"
        return None

    def _field(self, node: ast.Attribute, role: Callable[[ast.AST], str]) -> str | None:
        """What is wrong with ``owner.attr``."""
        name, owner = node.attr, role(node.value)
        known: Iterable[str]
        if owner == "self":
            known = (*self.spec.params, *self.spec.state)
            if name not in known and callable(getattr(self.cls, name, None)):
                return f"self.{name}: a hook has no methods; make it a module function with @helper"
            if name not in known and hasattr(self.cls, name):
                return f"self.{name} is neither param(...) nor state(...)"
        elif owner == "view":
            known = VIEW_DTYPE.names or ()
        elif owner == "out":
            known = OUT_DTYPE.names or ()
        elif (
            isinstance(node.value, ast.Attribute) and node.value.attr == "features" and role(node.value.value) == "view"
        ):
            owner, known = "view.features", VIEW_DTYPE["features"].names or ()
        else:
            return None
        return None if name in known else f"{owner} has no field {name!r}{suggest(name, known)}"


def _target(node: ast.AST, role: Callable[[ast.AST], str]) -> tuple[str, str]:
    """Owner's role and field of what is assigned to: ``owner.x``, ``owner.x[i]``, ``owner.x.y``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute) and role(node.value):
            return role(node.value), node.attr
        node = node.value
    return "", ""
