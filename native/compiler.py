"""From a strategy class to C functions: numba, and the cache of compiled code on disk.

numba's own cache does not take generated entry functions, so the code is stored here: all hooks of a strategy are
linked to one LLVM module in which only the entries are visible, and its object code is the file. Its name is a SHA-256
over everything that the code depends on; its first bytes are a SHA-256 of its content.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import itertools
import json
import os
import re
import struct
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
import numpy.typing as npt
from numba import carray, cfunc, njit  # type: ignore[attr-defined, unused-ignore]
from numba import types as nb
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

from native import _core
from native.hookcheck import check_hook
from native.kernel import HOOKS, OPTIONS, OUT_DTYPE, VIEW_DTYPE, KernelError, Spec, configure, spec_of

FORMAT = 1


@dataclass(frozen=True, slots=True)
class CompiledKernel:
    """A compiled strategy: addresses of its hooks (0: none), initial state, timer. A lane makes kernels of it."""

    name: str
    book: int
    quote: int
    trade: int
    receipt: int
    timer: int
    state: npt.NDArray[np.uint8]
    """Initial record of parameters and state, bytes of `state_dtype`."""
    state_dtype: np.dtype[np.void]
    params: dict[str, Any]
    timer_ns: int
    cached: bool
    """The code came from the disk."""
    keepalive: Any = field(repr=False)


def compile_strategy(
    cls: type, params: Mapping[str, Any] | None = None, *, cache_dir: str | os.PathLike[str] | None = None
) -> CompiledKernel:
    """Compiles the hooks of `cls`, or takes them from the cache, and sets its parameters.

    `cache_dir` is by default $SEARCHER_CACHE, else ~/.cache/searcher. Parameters are data, not code: changing one
    compiles nothing. Raises KernelError, for an error in a hook as ``path:LINE: in on_book: message``.
    """
    record, chosen, timer_ns = configure(cls, params or {})
    spec = spec_of(cls)
    functions = {hook: _function(cls, hook) for hook in spec.hooks}
    for hook, function in functions.items():
        check_hook(cls, spec, hook, function)
    directory = Path(cache_dir or os.environ.get("SEARCHER_CACHE") or Path.home() / ".cache" / "searcher")
    key = _key(cls, spec, functions)
    path = directory / f"{cls.__name__}-{key[:32]}.kernel"
    cached = True
    if (code := _LOADED.get(path)) is None:
        code, cached = _read(path), True
        if code is None:
            code, cached = _compile(cls, spec, functions, key), False
            _write(path, code)
        _LOADED[path] = code
    address = {hook: code.addresses.get(hook, 0) for hook in HOOKS}
    return CompiledKernel(
        name=cls.__name__,
        book=address["on_book"],
        quote=address["on_quote"],
        trade=address["on_trade"],
        receipt=address["on_receipt"],
        timer=address["on_timer"],
        state=np.frombuffer(record.tobytes(), np.uint8),
        state_dtype=spec.dtype,
        params=chosen,
        timer_ns=timer_ns,
        cached=cached,
        keepalive=code,
    )


@dataclass(frozen=True, slots=True)
class _Code:
    library: Any
    symbols: dict[str, str]
    addresses: dict[str, int]


# What this process has compiled or loaded; code is never unloaded, since a lane may still call it.
_LOADED: dict[Path, _Code] = {}
_SERIAL = itertools.count()


def _function(cls: type, hook: str) -> types.FunctionType:
    function = inspect.getattr_static(cls, hook)
    if not isinstance(function, types.FunctionType):
        raise KernelError(f"{cls.__name__}.{hook} must be a plain method")
    return function


# --- numba


def _named(message: str) -> str:
    """numba spells a record by all its fields; the user knows it as view, out or self."""
    for dtype, name in ((VIEW_DTYPE, "view"), (OUT_DTYPE, "out")):
        message = message.replace(str(numba.from_dtype(dtype)), name)
    return re.sub(r"Record\((?:[^()]|\([^()]*\))*\)", "record", message)


def _explain(hook: str, function: types.FunctionType, error: Exception) -> KernelError:
    """One line: where in the user's own file, and what."""
    path = function.__code__.co_filename
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    places = [loc for loc in [getattr(error, "loc", None)] if loc is not None]
    lines = [(p.filename, p.line) for p in places]
    pattern = r'File "([^"\n]+)", line (\d+)|(?:at|from) (\S[^\n]*?) \((\d+)\)'
    lines = [(a or c, int(b or d)) for a, b, c, d in re.findall(pattern, text)] + lines
    own = [line for file, line in lines if os.path.realpath(file) == os.path.realpath(path)]
    if isinstance(error, KeyError) and not own:
        # A field that a record does not have, in a helper: numba gives the name and no place.
        text = f"no field {error}"
        own = [
            node.lineno
            for node in ast.walk(ast.parse(Path(path).read_bytes()))
            if isinstance(node, ast.Attribute) and [node.attr] == list(error.args)
        ]
    kept: list[str] = []
    for raw in _named(text).splitlines():
        line = raw.strip()
        if line.startswith(("Failed in nopython mode", "Failed in")) and not kept:
            continue
        if (
            line.startswith(("During:", "File ", "There are", "- Of which", "This error may", "Enable logging"))
            and kept
        ):
            break
        if line:
            kept.append(line)
    message = " ".join(kept) or type(error).__name__
    line_no = own[0] if own else function.__code__.co_firstlineno
    return KernelError(f"{path}:{line_no}: in {hook}: {message[:400]}")


def _entry(function: types.FunctionType, state: Any, view: Any, out: Any) -> Any:
    """The C function of a hook: 0, or 1 when the hook raised. Its handler leaves no way to the interpreter."""
    options: dict[str, Any] = {
        **OPTIONS,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }  # only the entry calls it
    hook: Any = njit(**options)(function)
    pointer: Any = nb.CPointer
    signature = nb.int32(pointer(state), pointer(view), nb.int64, nb.int64, pointer(out))
    if function.__code__.co_argcount == 3:
        hook.compile((state, view, out))

        def entry(own, views, n, index, outs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            try:
                hook(carray(own, 1)[0], carray(views, n)[index], carray(outs, n)[index])
            except Exception:
                return 1
            return 0
    else:
        hook.compile((state, nb.Array(view, 1, "C"), nb.Array(out, 1, "C"), nb.int64))

        def entry(own, views, n, index, outs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            try:
                hook(carray(own, 1)[0], carray(views, n), carray(outs, n), index)
            except Exception:
                return 1
            return 0

    return cfunc(signature, **OPTIONS)(entry)


def _compile(cls: type, spec: Spec, functions: dict[str, types.FunctionType], key: str) -> _Code:
    state, view, out = (numba.from_dtype(d) for d in (spec.dtype, VIEW_DTYPE, OUT_DTYPE))
    unit = f"{key[:16]}_{os.getpid()}_{next(_SERIAL)}"
    symbols: dict[str, str] = {}
    whole = None
    for hook, function in functions.items():
        try:
            compiled = _entry(function, state, view, out)
        except Exception as e:
            raise _explain(hook, function, e) from e
        symbols[hook] = f"kernel_{unit}_{hook}"
        module = compiled._library._final_module.clone()
        # Names that numba gives may meet again in another process's object code: only ours are visible outside.
        for value in (*module.functions, *module.global_variables):
            if value.is_declaration or value.linkage in (llvm.Linkage.appending, llvm.Linkage.private):
                continue
            if value.name == compiled.native_name:
                value.name = symbols[hook]
                value.linkage = llvm.Linkage.external
            else:
                value.linkage = llvm.Linkage.internal
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    library = cpu_target.target_context.codegen().create_library(f"kernel_{unit}")
    library.enable_object_caching()
    library.add_llvm_module(whole)
    with numba.core.compiler_lock.global_compiler_lock:
        library.finalize()
    for value in library._final_module.functions:
        if value.is_declaration and re.match(r"_?Py|numba_gil|numba_unpickle", value.name):
            path = next(iter(functions.values())).__code__.co_filename
            raise KernelError(f"{path}: {cls.__name__} needs the interpreter (print, objmode); a hook runs without it")
    return _Code(library, symbols, _addresses(library, symbols))


def _addresses(library: Any, symbols: dict[str, str]) -> dict[str, int]:
    return {hook: int(library.get_pointer_to_function(symbol)) for hook, symbol in symbols.items()}


# --- the cache


def _reached(function: Any, seen: dict[int, Any]) -> Iterator[tuple[str, bytes]]:
    """What a function's code depends on: sources of the functions it reaches, values of the globals it reads."""
    if id(function) in seen:
        return
    seen[id(function)] = function
    path = Path(function.__code__.co_filename)
    yield str(function.__qualname__), path.read_bytes() if path.is_file() else function.__code__.co_code
    names, codes = set[str](), [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
    values = {n: function.__globals__[n] for n in names if n in function.__globals__}
    values.update(
        zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ()), strict=True)
    )
    queue = sorted(values.items())
    while queue:
        name, value = queue.pop()
        value = value.py_func if isinstance(value, Dispatcher) else value
        if isinstance(value, types.FunctionType):
            # Library code (numpy, numba) is covered by its version.
            if "site-packages" not in value.__code__.co_filename:
                yield from _reached(value, seen)
        elif isinstance(value, types.ModuleType):
            root = value.__name__.partition(".")[0]
            if root not in sys.stdlib_module_names and root not in ("numpy", "numba"):
                queue.extend((f"{name}.{n}", getattr(value, n)) for n in sorted(names) if hasattr(value, n))
        elif isinstance(value, np.ndarray):
            yield name, f"{value.dtype}{value.shape}".encode() + value.tobytes()
        else:
            yield name, repr(value).encode()


def _key(cls: type, spec: Spec, functions: dict[str, types.FunctionType]) -> str:
    digest = hashlib.sha256()
    versions = [FORMAT, numba.__version__, llvmlite.__version__, np.__version__, sys.version_info[:3]]
    machine = [llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    config: Any = numba.config
    flags = [str(config.OPT), config.CPU_NAME, config.CPU_FEATURES]
    shape = [f"{cls.__module__}.{cls.__qualname__}" if not cls.__module__.startswith("strategy_") else cls.__qualname__]
    layout = [_core.layout_json(), repr(spec.dtype), sorted(spec.params), list(functions)]
    digest.update(repr([versions, machine, flags, shape, layout]).encode())
    seen: dict[int, Any] = {}
    for function in functions.values():
        for name, content in _reached(function, seen):
            digest.update(struct.pack("<QQ", len(name), len(content)) + name.encode() + content)
    return digest.hexdigest()


def _write(path: Path, code: _Code) -> None:
    library = code.library
    if library.has_dynamic_globals or library._reload_init:
        return  # addresses of this process are in the code (a ctypes function, say): not for another one
    name, _, (obj, bitcode) = library.serialize_using_object_code()
    head = json.dumps({"name": name, "symbols": code.symbols, "object": len(obj), "bitcode": len(bitcode)}).encode()
    body = struct.pack("<Q", len(head)) + head + obj + bitcode
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(file.name, path)  # whole or not at all, also for another process
    except OSError as e:
        warnings.warn(f"compiled kernel not cached in {path.parent}: {e}", stacklevel=3)


def _read(path: Path) -> _Code | None:
    """The code in `path`; None when there is none. A damaged file is discarded: it will be compiled anew."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    digest, body = raw[:32], raw[32:]
    if hashlib.sha256(body).digest() != digest:
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    (length,) = struct.unpack_from("<Q", body)
    head = json.loads(body[8 : 8 + length])
    start, middle = 8 + length, 8 + length + head["object"]
    data = (body[start:middle], body[middle : middle + head["bitcode"]])
    codegen = cpu_target.target_context.codegen()
    with numba.core.compiler_lock.global_compiler_lock:
        library = codegen.unserialize_library((head["name"], "object", data))
    return _Code(library, head["symbols"], _addresses(library, head["symbols"]))
