"""The shape of the house, held by tests: who may import whom, what may stand where, what is documented.

Each rule reads the source itself and says in its failure what to do.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from conecta.auth.scopes import Scope
from conecta.kit.errors import Problem, all_problems
from conecta.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "conecta"
DOCS = ROOT / "docs"

# Every folder directly under `conecta` that is none of these is a feature.
FLOORS = {"kit", "auth", "dialects", "pages"}
ROOF_FOLDERS = {"openapi", "reference_pages"}  # like app.py and cli.py, in several files
# What a feature may use of the roof: plain data, no wiring.
ROOF_FOR_FEATURES = {"conecta", "conecta.settings"}
TABLE_ROOMS = ("models", "queries")
MAY_COMMIT = {"kit/db.py", "kit/migrate.py", "webhooks/dispatcher.py"}


@dataclass(frozen=True)
class Import:
    """One imported name: `from {module} import {name}` in a file (`module` made absolute)."""

    file: Path
    line: int
    module: str
    name: str

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"

    @property
    def target(self) -> str:
        """The module that is really imported: `from conecta.events import service` means events.service."""
        below = f"{self.module}.{self.name}"
        path = SOURCE / below.replace(".", "/")
        return below if path.is_dir() or path.with_suffix(".py").is_file() else self.module


def sources() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 50
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> str:
    """Return `kit`, `cases`, … or `` for the roof (app, cli, worker, …)."""
    parts = module.split(".")
    folder = parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else ""
    return "" if folder in ROOF_FOLDERS else folder


def features() -> set[str]:
    return (
        {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
        - FLOORS
        - ROOF_FOLDERS
    )


def imports(path: Path) -> Iterator[Import]:
    package = module_of(path).split(".") if path.name == "__init__.py" else module_of(path).split(".")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(path, node.lineno, module, alias.name)


def our_imports(floors: set[str]) -> Iterator[Import]:
    for path in sources():
        if floor_of(module_of(path)) in floors:
            yield from (found for found in imports(path) if found.target.split(".")[0] == "conecta")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_route(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [d for d in node.decorator_list if isinstance(d, ast.Call) and isinstance(d.func, ast.Attribute)]
    return any(call.func.attr in {"get", "post", "put", "patch", "delete"} for call in calls)


# --- who may import whom ------------------------------------------------------------------------------


def test_kit_knows_no_business():
    wrong = [
        f"{found.place} imports {found.target}" for found in our_imports({"kit"}) if not _is(found, "kit")
    ]
    assert wrong == [], "kit/ is the ground floor: it imports nothing of ours but kit"


def test_auth_stands_on_kit_alone():
    wrong = [
        f"{found.place} imports {found.target}"
        for found in our_imports({"auth"})
        if not (_is(found, "auth") or _is(found, "kit"))
    ]
    assert wrong == [], "auth/ declares protocols that features implement: it imports only kit"


def test_features_meet_through_their_services():
    wrong = [
        f"{found.place} imports {found.target}"
        for found in our_imports(features())
        if not _feature_may(found, module_of(found.file))
    ]
    assert wrong == [], (
        "a feature imports kit, auth, its own rooms, and of another feature only its `service`"
        " (its `models` in models.py and queries.py; `events.types` anywhere)"
    )


def _is(found: Import, floor: str) -> bool:
    return floor_of(found.target) == floor


def _feature_may(found: Import, importer: str) -> bool:
    target, room = found.target, importer.rpartition(".")[2]
    if floor_of(target) in {"kit", "auth", floor_of(importer)} or target in ROOF_FOR_FEATURES:
        return True
    if floor_of(target) not in features():
        return False
    wanted = target.rpartition(".")[2]
    if wanted == "service" or target == "conecta.events.types":
        return True
    if wanted == "models":
        return room in TABLE_ROOMS or room.endswith("_queries")
    # The catalogue of events gathers what every feature declares.
    return wanted == "events" and importer == "conecta.events.catalogue"


def test_nothing_below_imports_what_stands_above():
    """Pages, dialects and the roof (app, cli, worker, …) use the features; nobody uses them."""
    below = features() | {"kit", "auth"}
    wrong = [
        f"{found.place} imports {found.target}"
        for found in our_imports(below)
        if floor_of(found.target) in {"", "dialects", "pages"} and found.target not in ROOF_FOR_FEATURES
    ]
    assert wrong == []


def test_nobody_imports_the_app_but_who_starts_it():
    starters = ("conecta.server", "conecta.cli", "conecta.openapi", "conecta.__main__")
    wrong = [
        found.place
        for path in sources()
        for found in imports(path)
        if found.target in {"conecta.app", "conecta.cli"} and not module_of(path).startswith(starters)
    ]
    assert wrong == []


# --- what may stand where -----------------------------------------------------------------------------


def test_only_the_transaction_helper_commits():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if str(path.relative_to(PACKAGE)) not in MAY_COMMIT
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}
    ]
    assert wrong == [], "one request, one transaction: kit/db.py commits it; services never do"


def test_all_sql_stands_in_queries():
    verbs = {"select", "insert", "update", "delete"}
    wrong = [
        f"{found.place} imports {found.name}"
        for path in sources()
        if not path.name.endswith("queries.py") and floor_of(module_of(path)) != "kit"
        for found in imports(path)
        if found.module.startswith("sqlalchemy") and found.name in verbs
    ]
    assert wrong == [], "SQL belongs in queries.py, where every statement names its tenant"


def test_statements_are_not_written_outside_queries():
    """A text that starts like a statement is SQL too, whatever runs it."""
    allowed = ("queries.py", "models.py")
    starts = ("select ", "insert into ", "update ", "delete from ", "with ")
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if floor_of(module_of(path)) in features() and not path.name.endswith(allowed)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.strip().lower().startswith(starts)
        and " from " in f" {' '.join(node.value.lower().split())} "
        and not _is_docstring(node, path)
    ]
    assert wrong == [], "SQL belongs in queries.py"


def _is_docstring(node: ast.Constant, path: Path) -> bool:
    owners = [
        owner
        for owner in ast.walk(tree(path))
        if isinstance(owner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    # A bare string statement is documentation: of a module, class, function, or of the line above.
    return any(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and statement.value.lineno == node.lineno
        for owner in owners
        for statement in owner.body
    )


def test_functions_fit_on_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length(node)} lines"
        for path in sources()
        for node in functions(path)
        if length(node) > 60
    ]
    assert long == [], "a function has at most 60 lines"


def test_route_functions_only_pass_on():
    routes = [
        (path, node)
        for path in sources()
        if path.name == "routes.py"
        for node in functions(path)
        if is_route(node)
    ]
    assert len(routes) >= 10
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length(node)} lines"
        for path, node in routes
        if length(node) > 15
    ]
    assert long == [], "a route has at most 15 lines: URL, scope, status; the service does the rest"


def test_files_stay_small():
    long = []
    for path in sources():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        limit = 300 if path.stem in {"routes", "schemas"} else 500
        if lines > limit:
            long.append(f"{path.relative_to(ROOT)} has {lines} lines (limit {limit})")
    assert long == [], "split it by what it is about"


def test_no_file_is_empty():
    empty = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.name != "__init__.py" and not path.read_text(encoding="utf-8").strip()
    ]
    assert empty == [], "a file that would be empty does not exist"


def test_nothing_is_left_for_later():
    marks = ("TODO", "FIXME", "XXX", "HACK")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(mark in line for mark in marks)
    ]
    assert wrong == []


def test_every_native_route_says_who_may_call_it():
    """A route's `caller` argument carries the guard; a native route without one would let anybody act."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources()
        if path.name == "routes.py"
        for node in functions(path)
        if is_route(node) and not {"caller", "_caller"} & {argument.arg for argument in node.args.args}
    ]
    assert wrong == [], "every native route says who may call it: `caller: CasesRead`"


_IMPORT_QUIETLY = """
import json, os, signal, sys, threading
seen = []
loud = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove",
        "os.putenv", "os.unsetenv", "os.rename", "shutil.copyfile", "signal.pthread_kill"}
def hook(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event in loud or writes:
        seen.append([event, str(args)[:200]])
import asyncio, logging
handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
root = list(logging.root.handlers)
sys.addaudithook(hook)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
seen += [["thread", t.name] for t in threading.enumerate() if t is not threading.main_thread()]
seen += [["signal", str(s)] for s, h in handlers.items() if signal.getsignal(s) is not h]
seen += [["logging", str(h)] for h in logging.root.handlers if h not in root]
print(json.dumps(seen))
"""


def test_importing_does_nothing():
    """No connection, no file, no thread, no signal handler, no logging set-up: `create_app` does it all."""
    names = [module_of(path) for path in sources() if path.name != "__main__.py"]
    done = subprocess.run(
        [sys.executable, "-B", "-c", _IMPORT_QUIETLY, *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert done.stderr == ""


def test_building_the_app_opens_nothing(tmp_path):
    """`create_app` over a database that is not there: only starting it would ask for one."""
    from conecta.app import create_app

    settings = Settings(_env_file=None, data_dir=tmp_path)
    app = create_app(settings, dsn="postgresql://nobody@192.0.2.1/nowhere")
    assert app.openapi()["paths"]


# --- what is documented -------------------------------------------------------------------------------


def test_every_setting_is_in_the_example_file():
    """`.env.example` shows each setting with its description above and its default behind a `#`."""
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example_of_settings()


def example_of_settings() -> str:
    """Return what `.env.example` must be; write it there when a setting changes."""
    parts = ["# Every setting of Conecta, with its default. Copy to .env and uncomment what you change.\n"]
    for name, field in Settings.model_fields.items():
        assert field.description, f"the setting {name} has no description"
        default = field.get_default()
        if isinstance(default, list):
            default = ",".join(str(item) for item in default)
        shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        parts.append(f"# {field.description}\n#CONECTA_{name.upper()}={shown}\n")
    return "\n".join(parts)


def public_names(path: Path) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in tree(path).body if isinstance(node, kinds) and node.name[0] != "_"]


@pytest.mark.parametrize("path", sorted((PACKAGE / "kit").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_shared_helper_is_in_the_list(path):
    """Look into docs/kit.md before writing a helper; so each must be there, in a line."""
    text = (DOCS / "kit.md").read_text(encoding="utf-8")
    assert f"`{path.stem}`" in text, f"docs/kit.md does not name the module kit/{path.name}"
    problems = {problem.__name__ for problem in all_problems()}
    names = [name for name in public_names(path) if name not in problems]
    missing = [name for name in names if f"`{name}`" not in text and f"`{name}(" not in text]
    assert missing == [], f"docs/kit.md lacks helpers of kit/{path.name}"


def test_list_of_helpers_names_nothing_that_is_gone():
    modules = {path.stem for path in (PACKAGE / "kit").glob("*.py")}
    lines = (DOCS / "kit.md").read_text(encoding="utf-8").splitlines()
    listed = {line.split("`")[1] for line in lines if line.startswith("## `")}
    assert listed == modules - {"__init__"}


def every_problem() -> list[type[Problem]]:
    """Import every module, so that every refusal is declared, and return those of the product."""
    for path in sources():
        if path.name not in {"__main__.py", "__init__.py"}:
            import_module(module_of(path))
    return [problem for problem in all_problems() if problem.__module__.startswith("conecta.")]


def documented_errors() -> dict[str, str]:
    """Return code → status of every row of the tables in docs/errors.md."""
    rows = [line.split("|") for line in (DOCS / "errors.md").read_text(encoding="utf-8").splitlines()]
    return {row[1].strip().strip("`"): row[2].strip() for row in rows if len(row) > 4 and "`" in row[1]}


def test_every_error_code_is_documented_with_its_status():
    declared = {problem.code: str(problem.status) for problem in every_problem()}
    assert len(declared) > 20
    assert documented_errors() == declared, "docs/errors.md must list exactly the declared codes"


def test_every_error_code_is_one_class():
    """Two classes of one code would give one code two meanings."""
    waiting, classes = [Problem], []
    every_problem()
    while waiting:
        problem = waiting.pop()
        waiting += problem.__subclasses__()
        if problem.__module__.startswith("conecta.") and "code" in vars(problem):
            classes.append(problem)
    codes = [problem.code for problem in classes if problem is not Problem]
    assert sorted(codes) == sorted(set(codes))


def test_every_scope_is_explained():
    text = (DOCS / "concepts.md").read_text(encoding="utf-8")
    assert [scope for scope in Scope if f"`{scope}`" not in text] == []


def test_error_sentences_are_in_both_languages():
    for problem in every_problem():
        for text in (problem.title, problem.detail):
            assert text.es, problem
            assert text.en, problem


def member_codes() -> set[str]:
    """Return every literal code given to `Refused`, `FieldError` and `ValidationFailed.at`."""
    positions = {"Refused": 0, "FieldError": 1, "at": 1}
    found = set()
    for path in sources():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            position = positions.get(called, 99)
            if len(node.args) > position and isinstance(node.args[position], ast.Constant):
                found.add(node.args[position].value)
    return found


def test_every_code_of_a_member_is_documented():
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    codes = member_codes()
    assert len(codes) > 15
    assert sorted(code for code in codes if f"`{code}`" not in text) == [], "explain them in docs/errors.md"
