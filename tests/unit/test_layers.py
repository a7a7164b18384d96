"""The one rule, kept: imports only go down (`allowed` says how), nothing grows too long, no test sleeps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("main", "app", "handlers", "middleware", "simulator", "bench", "tests")
STATIONS = ("ingress", "lanes", "runner", "sessions", "model", "media", "outbox", "ops")
MOST_FILE_LINES = 320
MOST_FUNCTION_LINES = 70

SOURCES = [
    ROOT / "main.py",
    *(p for d in ("app", "handlers", "middleware", "simulator") for p in (ROOT / d).rglob("*.py")),
]
PAGES = [p for d in ("app", "simulator") for p in (ROOT / d).rglob("*") if p.suffix in {".lua", ".js", ".css", ".html"}]
TESTS = [*(ROOT / "tests").rglob("*.py")]
MAY_SLEEP = ROOT / "tests/support/wait.py"


def allowed(module: str) -> tuple[str, ...]:
    """Everything of ours that `module` may import, as prefixes of module names."""
    layer, _, rest = module.partition(".")
    station = rest.partition(".")[0]
    if module == "main":
        return OURS[:5]
    if layer in {"handlers", "middleware"}:
        return (layer, "app")
    if layer == "simulator":
        return ("simulator",)
    if station in STATIONS:
        return (f"app.{station}", "app.core")
    return ("app",) if station == "chain" else ("app.core",)


def imports(module: str, source: str, package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that `source` imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = parts[: len(parts) - node.level + package] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def broken(module: str, source: str, package: bool = False) -> list[str]:
    """What in `source` goes up, sideways, or past `app/core/http.py` to httpx: one line each."""
    found = []
    for line, name in imports(module, source, package):
        if name.split(".")[0] in OURS and not any(f"{name}.".startswith(f"{a}.") for a in allowed(module)):
            found.append(f"{module}:{line} imports {name}")
        if name.split(".")[0] == "httpx" and module != "app.core.http":
            found.append(f"{module}:{line} imports httpx; only app.core.http does")
    return found


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_only_go_down() -> None:
    found = [b for p in SOURCES for b in broken(module_of(p), p.read_text(), p.name == "__init__.py")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "module, line",
    [
        ("app.core.redis", "from app.lanes import lanes"),
        ("app.core.redis", "import app"),
        ("app.lanes.lanes", "from app.runner.runner import Runner"),
        ("app.lanes.lanes", "from app import runner"),
        ("app.lanes.lanes", "from ..runner import runner"),
        ("app.model.openai", "def f():\n    from app.outbox import sender"),
        ("app.model.openai", "import httpx"),
        ("app.model.openai", "from app.chain.context import Context"),
        ("app.chain.router", "from handlers import reply"),
        ("app.chain.router", "import simulator.world"),
        ("handlers.reply", "from middleware.pause import Pause"),
        ("handlers.reply", "from simulator import server"),
        ("middleware.pause", "import handlers.reply"),
        ("middleware.pause", "import main"),
        ("simulator.world", "from app.core import clock"),
        ("main", "from tests.support import valkey"),
        ("main", "import httpx"),
    ],
)
def test_the_rule_sees(module: str, line: str) -> None:
    assert broken(module, line)


@pytest.mark.parametrize(
    "module, line",
    [
        ("main", "from simulator.server import Simulator"),
        ("handlers.reply", "from app.chain.context import Context"),
        ("app.chain.dispatch", "from app.sessions.session import Session"),
        ("app.lanes.lanes", "from app.core import keys"),
        ("app.lanes.lanes", "from . import shards"),
        ("app.core.http", "import httpx"),
        ("simulator.server", "from simulator.world import World"),
    ],
)
def test_the_rule_allows(module: str, line: str) -> None:
    assert not broken(module, line)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in [*SOURCES, *PAGES]}
    assert not {p: n for p, n in lengths.items() if n > MOST_FILE_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert not found, "\n".join(found)


def test_every_module_opens_with_what_it_is() -> None:
    sources = [p for p in SOURCES if p.name != "__init__.py"]
    assert not [str(p.relative_to(ROOT)) for p in sources if not ast.get_docstring(ast.parse(p.read_text()))]


def sleeps(source: str) -> list[int]:
    """Lines that call `sleep` of time, asyncio or anyio, under whatever name it was imported."""
    tree = ast.parse(source)
    modules = {"time", "asyncio", "anyio"}
    aliases = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    receivers = modules | {alias.asname for alias in aliases if alias.asname and alias.name in modules}
    direct = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in modules
        for alias in node.names
        if alias.name == "sleep"
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "sleep"
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in receivers
        )
        or (isinstance(call.func, ast.Name) and call.func.id in direct)
    ]


def test_no_test_sleeps() -> None:
    found = [f"{p.relative_to(ROOT)}:{n}" for p in TESTS if p != MAY_SLEEP for n in sleeps(p.read_text())]
    assert not found, f"wait for a condition with tests.support.wait: {found}"


@pytest.mark.parametrize(
    "call",
    ["import time\ntime.sleep(1)", "from asyncio import sleep as nap\nnap(1)", "import anyio as a\na.sleep(1)"],
)
def test_a_sleep_is_found(call: str) -> None:
    assert sleeps(call) == [2]


def test_a_clock_of_our_own_may_sleep() -> None:
    assert not sleeps("clock.sleep(1)")
