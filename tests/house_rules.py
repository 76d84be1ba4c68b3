"""The rules of the house as functions from text to a list of breaches, so that each can be shown to fail.

Every function returns one line a breach, `path:line: what`, and an empty list when the house is in order.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FILE_CAP_LINES = 500
ROOMS = ("searcher", "cex", "bundles", "risk", "native")
NOUNS = ("Frame", "Event", "Book", "Top", "Intent", "Permit", "Refusal", "Receipt", "Lane", "Tape", "Kernel", "Gate",
         "Switch")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowance:
    """An exception to a rule. `item` is the Rust function it covers, or `*` for the whole file."""

    path: str
    item: str
    reason: str


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def blank_rust(text: str) -> str:
    """Rust source with comments, strings and `#[cfg(test)]` modules turned to spaces; lines keep their numbers."""
    token = re.compile(
        r"""//[^\n]* | /\*.*?\*/ | b?r(?P<h>\#*)".*?"(?P=h) | b?"(?:\\.|[^"\\])*" | b?'(?:\\[^\n]{1,9}?|[^'\\\n])'""",
        re.S | re.X,
    )
    text = token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    while found := re.search(r"#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+\w+\s*\{", text):
        end = _closing_brace(text, found.end() - 1)
        text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
    return text


def _closing_brace(text: str, opening: int) -> int:
    depth = 0
    for m in re.compile(r"[{}]").finditer(text, opening):
        depth += 1 if m[0] == "{" else -1
        if depth == 0:
            return m.end()
    return len(text)


def _blank_function(text: str, name: str) -> str:
    found = re.search(rf"\bfn\s+{re.escape(name)}\b[^{{;]*\{{", text)
    if not found:
        return text
    end = _closing_brace(text, found.end() - 1)
    return text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]


def _rust_hits(path: str, text: str, banned: re.Pattern[str], allowed: Iterable[Allowance]) -> list[str]:
    for allowance in allowed:
        if allowance.path == path:
            text = "" if allowance.item == "*" else _blank_function(text, allowance.item)
    return [f"{path}:{_line(text, m.start())}: {m[0].strip()}" for m in banned.finditer(text)]


def unused_allowances(sources: Mapping[str, str], banned: re.Pattern[str], allowed: Iterable[Allowance]) -> list[str]:
    """Allowances that no longer cover anything: an exception goes when its reason goes."""
    stale = []
    for a in allowed:
        text = blank_rust(sources.get(a.path, ""))
        if len(_rust_hits(a.path, text, banned, [])) == len(_rust_hits(a.path, text, banned, [a])):
            stale.append(f"{a.path}: the allowance for {a.item} covers nothing")
    return stale


RUST_FLOAT = re.compile(r"(?:\b|(?<=\d)|(?<=\d_))f(?:32|64)\b|(?<![\w.])\d[\d_]*\.\d\w*")
RUST_EDGE = re.compile(
    r"\bInstant::now\b|\bSystemTime\b|\b(?:std::)?env::(?:var|args|temp_dir|current_dir)\w*|\bstd::env\b|\bstd::net\b"
    r"|\b(?:TcpStream|TcpListener|UdpSocket)\b|\brand::|\bgetrandom\b|\bthread_rng\b|\bRandomState\b"
)


def rust_floats(path: str, text: str, allowed: Iterable[Allowance] = ()) -> list[str]:
    """Float types and literals in a Rust file of money, outside its tests."""
    return _rust_hits(path, blank_rust(text), RUST_FLOAT, allowed)


def rust_edges(path: str, text: str, allowed: Iterable[Allowance] = ()) -> list[str]:
    """Clocks, sockets, environment and randomness in a Rust file that decides."""
    return _rust_hits(path, blank_rust(text), RUST_EDGE, allowed)


def rust_unsafe(path: str, text: str) -> list[str]:
    """A file may allow unsafe only with its reason on the lines above or beside, and needs SAFETY at each block."""
    found, lines = [], text.split("\n")
    for n, line in enumerate(lines, 1):
        if re.match(r"\s*#!?\[allow\(unsafe_code\)\]", line):
            above = lines[n - 2] if n > 1 else ""
            below = lines[n] if n < len(lines) else ""
            if not any(len(c.split("//", 1)[-1].strip(" !/")) > 20 for c in (line, above, below) if "//" in c):
                found.append(f"{path}:{n}: allow(unsafe_code) without a comment that says why")
    blank = blank_rust(text)
    for m in re.finditer(r"\bunsafe\s*(?:\{|impl\b)", blank):
        n = _line(blank, m.start())
        if not any("SAFETY" in above for above in lines[max(0, n - 8) : n]):
            found.append(f"{path}:{n}: unsafe without a SAFETY comment above it")
    return found


def rust_pyo3(path: str, text: str) -> list[str]:
    """PyO3 named outside `native/src/py`."""
    if path.startswith("native/src/py/"):
        return []
    blank = blank_rust(text)
    return [f"{path}:{_line(blank, m.start())}: pyo3" for m in re.finditer(r"\bpyo3\b|\bPyResult\b", blank)]


def python_floats(path: str, text: str) -> list[str]:
    """Float literals, annotations, conversions and true division in a Python file of money."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"{path}:{node.lineno}: {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append(f"{path}:{node.lineno}: float")
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            found.append(f"{path}:{node.lineno}: / makes a float; use // or Decimal")
    return found


PYTHON_EDGE_MODULES = {"time", "random", "socket", "secrets", "uuid", "ssl", "urllib", "http", "asyncio", "aiohttp"}
PYTHON_EDGE_NAMES = {
    "os.environ", "os.getenv", "os.urandom", "datetime.now", "datetime.utcnow", "date.today", "datetime.datetime.now",
    "np.random", "numpy.random",
}  # fmt: skip


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def python_edges(path: str, text: str) -> list[str]:
    """Clocks, sockets, environment and randomness in a Python file that decides."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] in PYTHON_EDGE_MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            names = [module] if module.split(".")[0] in PYTHON_EDGE_MODULES else []
            names += [f"{module}.{a.name}" for a in node.names if f"{module}.{a.name}" in PYTHON_EDGE_NAMES]
        elif isinstance(node, ast.Attribute) and _dotted(node) in PYTHON_EDGE_NAMES:
            names = [_dotted(node)]
        else:
            continue
        found += [f"{path}:{node.lineno}: {name}" for name in names]
    return found


def too_long(path: str, text: str) -> list[str]:
    """A source file over the cap."""
    n = len(text.splitlines())
    return [f"{path}: {n} lines, the cap is {FILE_CAP_LINES}"] if n > FILE_CAP_LINES else []


MACHINE = re.compile(r"(?<![\w.$])/(?:work|root|farm|home|Users)/[\w.]|\b[A-Z]:\\\\?Users\b|file:///")
REGISTRY = re.compile(
    r"https?://(?:[\w.-]*\.)?(?:pypi\.org|pythonhosted\.org|crates\.io|npmjs\.\w+)|--(?:extra-)?index-url|--find-links",
    re.I,
)


def machine_traces(path: str, text: str) -> list[str]:
    """Paths of one machine and hosts of package registries. Cargo.lock's `source` lines are cargo's own format."""
    found = []
    for n, line in enumerate(text.splitlines(), 1):
        if path == "Cargo.lock" and line.startswith("source = "):
            continue
        found += [f"{path}:{n}: {m[0]}" for rule in (MACHINE, REGISTRY) for m in rule.finditer(line)]
    return found


GENERATED = re.compile(
    r"(?:^|/)(?:__pycache__|target|build|dist|out|\.venv|node_modules)/|\.(?:pyc|so|pyd|dylib|dll|o|a|whl|gz|zst|zip|tar|npz"
    r"|npy|parquet|db|sqlite|log|html|png|jpg|pdf|tape|bin|stamp|egg-info)$"
)


def not_source(path: str, content: bytes) -> list[str]:
    """Files that were generated, are data or are binary."""
    if GENERATED.search(path):
        return [f"{path}: generated or data"]
    if b"\0" in content:
        return [f"{path}: binary"]
    return [f"{path}: {len(content) // 1024} KiB"] if len(content) > 400 * 1024 else []


def map_paths(readme: str) -> list[str]:
    """Paths of the room map: the first fenced block below `## Rooms`, two spaces of indent a level.

    A line is one or more names, then two or more spaces, then what they are for. Folders end in `/`.
    """
    section = re.search(r"^## Rooms\n.*?^```\w*\n(.*?)^```", readme, re.S | re.M)
    if not section:
        return []
    paths: list[str] = []
    stack: list[str] = []
    for line in section[1].splitlines():
        if not line.strip():
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split()
        paths += ["".join(stack[:depth]) + name for name in names]
        if len(names) == 1 and names[0].endswith("/"):
            stack[depth:] = [names[0]]
    return paths


def map_differs(readme: str, tracked: Iterable[str]) -> list[str]:
    """Where the README's map and the disk disagree. `__init__.py` and `mod.rs` go with their folder; `tests/` is
    listed as a whole."""
    tracked = list(tracked)
    listed = map_paths(readme)
    if not listed:
        return ["README.md: no map below '## Rooms'"]
    folders = {p[: m.end()] for p in tracked for m in re.finditer("/", p)}
    found = [f"{p}: listed in the README, not on the disk" for p in listed if p not in tracked and p not in folders]
    found += [f"{p}: listed twice" for p in sorted({p for p in listed if listed.count(p) > 1})]
    wanted = {p for p in tracked if p.startswith(tuple(f"{r}/" for r in ROOMS)) and p.endswith((".py", ".rs", ".pyi"))}
    wanted = {p for p in wanted if not p.endswith(("__init__.py", "/mod.rs"))}
    wanted |= {f for p in tracked if p in wanted or p.startswith(ROOMS) for f in folders if p.startswith(f)}
    return found + [f"{p}: on the disk, not in the README" for p in sorted(wanted - set(listed))]


def nouns_missing(readme: str) -> list[str]:
    """Nouns without a row in the table below `## Glossary`."""
    section = re.search(r"^## Glossary\n(.*?)(?=^## |\Z)", readme, re.S | re.M)
    rows = " ".join(re.findall(r"^\|(.*?)\|", section[1], re.M)) if section else ""
    return [f"README.md: no glossary entry for {noun}" for noun in NOUNS if f"**{noun}**" not in rows]
