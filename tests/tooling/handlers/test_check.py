"""Handlers are looked up in the source, as Python and Node would, and nothing is imported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.edn import reader
from monorepo.edn.service_manifest import read_service
from monorepo.handlers import check as handlers

Write = Callable[[dict[str, str]], None]
CORE = "shared/py/core/src/tiny_core"
SERVICE = "services/py/api"
ROUTES = f"{CORE}/routes.py"


def python_package(name: str) -> str:
    return f'[project]\nname = "{name}"\nversion = "1.0"\n'


@pytest.fixture
def check(root: Path, write: Write) -> Callable[..., list[str]]:
    """Return what checks the handlers of a service with one more part."""
    write(
        {
            "shared/py/core/pyproject.toml": python_package("tiny-core"),
            "shared/py/more/pyproject.toml": python_package("tiny-more"),
            f"{SERVICE}/pyproject.toml": python_package("tiny-svc-api"),
            f"{SERVICE}/src/tiny_svc_api/main.py": "",
            f"{CORE}/__init__.py": "",
        }
    )

    def check(part: str, deps: str = '[{:pkg "tiny-core"}]') -> list[str]:
        text = (
            '{:service/name "api" :runtime {:lang :python :entry "tiny_svc_api.main"}\n'
            f" :deps {{:python {deps}}}\n {part}}}"
        )
        space = workspace.load(root)
        manifest = read_service(text, "service.edn")
        found = handlers.check(space, space.packages[SERVICE], manifest, reader.read(text))
        return [f"{one.line}:{one.column}: {one.message}; {one.fix}" for one in found.mistakes]

    return check


def route(path: str = "/", handler: str = "tiny_core.routes:f", method: str = "get") -> str:
    return f':endpoints [{{:method :{method} :path "{path}" :handler "{handler}"}}]'


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("def f(): ...", "/"),
        ("async def f(q: str = ''): ...", "/"),
        ("def f(a: int, b): ...", "/{a}/x/{b:path}"),
        ("def f(*, a): ...", "/{a}"),
        ("def f(x: Annotated[str, Path(alias='a')]): ...", "/{a}"),
        ("def f(x: 'Annotated[str, fastapi.Path(alias=\"a\")]'): ...", "/{a}"),
        ("def f(x: str = Path(alias='a')): ...", "/{a}"),
        ("def f(note: Annotated[Note, Depends(note)]): ...", "/{a}"),
        ("if True:\n    def f(a): ...\nelse:\n    def f(): ...\n    def f(a): ...", "/{a}"),
        ("def f(): ...\ndef f(a): ...", "/{a}"),
        ("def g(a): ...\nf = g", "/{a}"),
        ("@router.get('/')\ndef f(a): ...", "/{a}"),
    ],
)
def test_a_function_that_a_route_can_call(
    check: Callable[..., list[str]], write: Write, source: str, path: str
) -> None:
    write({ROUTES: source})

    assert check(route(path)) == []


@pytest.mark.parametrize(
    ("source", "path", "problem"),
    [
        ("", "/", f"{ROUTES}: has no function f; write it there, or mend the name"),
        ("def g(): ...", "/", f"{ROUTES}: has no function f"),
        ("def g():\n    def f(): ...", "/", f"{ROUTES}: has no function f"),
        ("\nf = partial(g)", "/", f"{ROUTES}:2: is no function; write it with def or async def"),
        ("class f: ...", "/", f"{ROUTES}:1: is no function"),
        ("import f", "/", f"{ROUTES}:1: is no function"),
        ("def f(:", "/", f"{ROUTES}:1: is not valid Python"),
        (
            "\n\ndef f(b): ...",
            "/{a}",
            f"{ROUTES}:3: has no parameter a, which the path /{{a}} has; add a: str, or take it",
        ),
        ("def f(a: Annotated[str, Query()]): ...", "/{a}", ":1: takes a by Query, and the path"),
        ("def f(a: str = Body()): ...", "/{a}", ":1: takes a by Body, and the path has it"),
        ("def f(b: Annotated[str, Path()]): ...", "/", ":1: takes b from the path, and / has it"),
        ("def f(a, *more): ...", "/{a}", ":1: has parameters that FastAPI cannot give by name"),
        ("def f(**more): ...", "/{a}", ":1: has parameters that FastAPI cannot give by name"),
        ("def f(a, /): ...", "/{a}", ":1: has parameters that FastAPI cannot give by name"),
    ],
)
def test_a_function_that_a_route_cannot_call(
    check: Callable[..., list[str]], write: Write, source: str, path: str, problem: str
) -> None:
    write({ROUTES: source})

    (mistake,) = check(route(path))

    assert mistake.startswith("3:")
    assert "tiny_core.routes:f: " in mistake
    assert problem in mistake


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (route("/{a}", method="websocket"), "async def f(ws: WebSocket, a: str): ..."),
        (route(method="websocket"), "async def f(ws: fastapi.WebSocket): ..."),
        (':jobs [{:name "j" :handler "tiny_core.routes:f"}]', "def f(): ..."),
        (':jobs [{:name "j" :handler "tiny_core.routes:f"}]', "async def f(settings): ..."),
        (':jobs [{:name "j" :handler "tiny_core.routes:f"}]', "def f(settings, n=1, *, m=2): ..."),
        (
            ':lifespan "tiny_core.routes:f"',
            "@contextlib.asynccontextmanager\nasync def f(settings: Settings): yield {}",
        ),
        (':checks {"x" "tiny_core.routes:f"}', "async def f(state): ..."),
    ],
)
def test_what_other_uses_can_call(
    check: Callable[..., list[str]], write: Write, part: str, source: str
) -> None:
    write({ROUTES: source})

    assert check(part) == []


@pytest.mark.parametrize(
    ("part", "source", "problem"),
    [
        (route(method="websocket"), "def f(ws: WebSocket): ...", "is not async, as a WebSocket"),
        (route(method="websocket"), "async def f(ws): ...", "has no parameter of the type WebSo"),
        (
            route("/{a}", method="websocket"),
            "async def f(ws: WebSocket): ...",
            "has no parameter a",
        ),
        (
            ':jobs [{:name "j" :handler "tiny_core.routes:f"}]',
            "def f(settings, more): ...",
            ":1: has the parameters (settings, more); write () or (settings)",
        ),
        (
            ':jobs [{:name "j" :handler "tiny_core.routes:f"}]',
            "def f(*, more): ...",
            "has the parameters (more); write () or (settings)",
        ),
        (
            ':lifespan "tiny_core.routes:f"',
            "async def f(settings): yield {}",
            "is no asynchronous context manager; decorate it with contextlib.asynccontextmanager",
        ),
        (
            ':lifespan "tiny_core.routes:f"',
            "@asynccontextmanager\nasync def f(): yield {}",
            "has the parameters (); write (settings)",
        ),
        (':checks {"x" "tiny_core.routes:f"}', "def f(state): ...", "is not async; write async"),
        (':checks {"x" "tiny_core.routes:f"}', "async def f(): ...", "write (state)"),
    ],
)
def test_what_other_uses_cannot_call(
    check: Callable[..., list[str]], write: Write, part: str, source: str, problem: str
) -> None:
    write({ROUTES: source})

    (mistake,) = check(part)

    assert problem in mistake


@pytest.mark.parametrize(
    "files",
    [
        {f"{CORE}/__init__.py": "from .routes import f", ROUTES: "def f(a): ..."},
        {f"{CORE}/__init__.py": "from tiny_core.routes import g as f", ROUTES: "def g(a): ..."},
        {f"{CORE}/__init__.py": "from .routes import *", ROUTES: "def f(a): ..."},
        {f"{CORE}/__init__.py": "from .in_.x import f", f"{CORE}/in_/x.py": "from ..y import f",
         f"{CORE}/y.py": "def f(a): ..."},
        {f"{CORE}/__init__.py": "from .sub import f", f"{CORE}/sub/__init__.py": "from . import z\n"
         "from .z import f", f"{CORE}/sub/z.py": "def f(a): ..."},
        {f"{CORE}/__init__.py": "from tiny_more.m import f",
         "shared/py/more/src/tiny_more/m.py": "def f(a): ..."},
    ],
)  # fmt: skip
def test_what_a_module_only_hands_on_is_followed(
    check: Callable[..., list[str]], write: Write, files: dict[str, str]
) -> None:
    write(files)

    assert check(route("/{a}", "tiny_core:f")) == []
    (mistake,) = check(route("/{b}", "tiny_core:f"))
    assert "has no parameter b" in mistake


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("from os.path import f", "takes f from os.path, which is not here"),
        ("from .no import f", "shared/py/core has no module tiny_core.no; write it"),
        ("from . import routes as f", "f is a module"),
        ("from tiny_core import f", "imports f from itself; define it"),
        ("f = f", "imports f from itself"),
    ],
)
def test_what_a_module_hands_on_from_nowhere(
    check: Callable[..., list[str]], write: Write, source: str, problem: str
) -> None:
    write({f"{CORE}/__init__.py": source, ROUTES: ""})

    (mistake,) = check(route("/", "tiny_core:f"))

    assert problem.replace("f is", "routes is") in mistake


@pytest.mark.parametrize(
    ("handler", "deps", "problem"),
    [
        ("tiny_core.routes:f", "[]", "is of shared/py/core, which :deps does not name; add {:pkg"),
        ("tiny_core.routes:f", '["tiny-core[x]>=1"]', ""),
        ("tiny_svc_api.main:f", "[]", "is of services/py/api, which is no shared package; move"),
        ("os.path:join", "[]", "os.path is of no package of this repository in the service's"),
        ("tiny_core.none:f", '["tiny-core"]', "shared/py/core has no module tiny_core.none"),
        ("tiny_core./routes:f", '["tiny-core"]', "shared/py/core has no module tiny_core./routes"),
    ],
)
def test_a_handler_is_of_a_declared_package(
    check: Callable[..., list[str]], write: Write, handler: str, deps: str, problem: str
) -> None:
    write({ROUTES: "def f(): ...", f"{SERVICE}/src/tiny_svc_api/main.py": "def f(): ..."})

    found = check(route("/", handler), deps)

    assert [problem in mistake for mistake in found] == ([True] if problem else [])


def test_all_mistakes_at_once_at_their_places(
    check: Callable[..., list[str]], write: Write
) -> None:
    write({ROUTES: "def f(): ..."})

    found = check(
        ':endpoints [{:method :get :path "/{a}" :handler "tiny_core.routes:f"}\n'
        ' {:method :put :path "/{b}" :handler "tiny_core.routes:f"}]\n'
        ' :checks {"x" "tiny_core.routes:g"}'
    )

    places = [mistake.split(": ")[0] for mistake in found]
    assert places == ["3:50", "4:38", "5:15"]


@pytest.mark.parametrize(
    "source",
    [f"x = {'-' * 50_000}1", f"def f(a: x{'.b' * 20_000}): ...", "from tiny_core.way0 import f"],
)
def test_a_source_that_is_too_deep(
    check: Callable[..., list[str]], write: Write, source: str
) -> None:
    ways = {f"{CORE}/way{n}.py": f"from tiny_core.way{n + 1} import f" for n in range(1_200)}
    write({ROUTES: source, **ways})

    (mistake,) = check(route())

    assert mistake.endswith("its source is nested too deeply; make it simpler")


def test_a_name_that_many_ways_may_lead_to(check: Callable[..., list[str]], write: Write) -> None:
    # There are 2 ** 60 ways, and the last module has no f.
    stars = {
        f"{CORE}/star{n}.py": f"from tiny_core.star{n + 1} import *\nfrom .star{n + 1} import *"
        for n in range(60)
    }
    write({ROUTES: "from tiny_core.star0 import *", f"{CORE}/star60.py": "", **stars})

    (mistake,) = check(route())

    assert "has no function f" in mistake


def test_a_source_that_never_ends(check: Callable[..., list[str]], root: Path) -> None:
    (root / ROUTES).symlink_to("/dev/zero")

    (mistake,) = check(route())

    assert "has no module tiny_core.routes" in mistake


def test_what_the_answer_depends_on(
    root: Path, write: Write, check: Callable[..., list[str]]
) -> None:
    write({ROUTES: "from .more import f"})
    text = (
        '{:service/name "api" :runtime {:lang :python :entry "tiny_svc_api.main"}'
        f' :deps {{:python ["tiny-core"]}} {route()}}}'
    )
    space = workspace.load(root)

    found = handlers.check(
        space, space.packages[SERVICE], read_service(text, ""), reader.read(text)
    )

    # Also what is not there: it would change the answer.
    assert {ROUTES, f"{CORE}/more.py", f"{CORE}/more/__init__.py"} <= {*found.inputs}
    assert json.dumps(found.inputs)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (
            ':service/name "other" :runtime {:lang :python :entry "tiny_svc_api.main"}',
            '"other" is not the name of the service; write "api"',
        ),
        (
            ':service/name "api" :runtime {:lang :node :entry "src/main.ts"}',
            ":node is not the language of services/py/api; write :python",
        ),
        (
            ':service/name "api" :runtime {:lang :python :entry "tiny_svc_api.app"}',
            "there is no services/py/api/src/tiny_svc_api/app.py; mend the name",
        ),
    ],
)
@pytest.mark.usefixtures("check")
def test_what_the_service_is(root: Path, head: str, problem: str) -> None:
    space, text = workspace.load(root), f"{{{head}}}"
    manifest, document = read_service(text, "service.edn"), reader.read(text)

    (mistake,) = handlers.check(space, space.packages[SERVICE], manifest, document).mistakes

    assert problem == f"{mistake.message}; {mistake.fix}"


NODE = "services/js/web"
INDEX = "shared/js/core/src/index.ts"


@pytest.fixture
def check_node(root: Path, write: Write) -> Callable[..., list[str]]:
    """Return the same for a service in TypeScript."""
    exports = {".": {"source": "./src/index.ts"}, "./live": {"source": "./src/live.ts"}}
    write(
        {
            "shared/js/core/package.json": json.dumps({"name": "@tiny/core", "exports": exports}),
            f"{NODE}/package.json": json.dumps({"name": "@tiny/svc-web"}),
            f"{NODE}/src/main.ts": "",
        }
    )

    def check(part: str, deps: str = '["@tiny/core"]') -> list[str]:
        text = (
            '{:service/name "web" :runtime {:lang :node :entry "src/main.ts"}\n'
            f" :deps {{:node {deps}}}\n {part}}}"
        )
        space = workspace.load(root)
        manifest = read_service(text, "service.edn")
        found = handlers.check(space, space.packages[NODE], manifest, reader.read(text))
        return [f"{one.line}:{one.column}: {one.message}; {one.fix}" for one in found.mistakes]

    return check


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("export function f() {}", "/"),
        ("export const f = async (request, reply, context) => 1;", "/"),
        ("export async function f(r: FastifyRequest<{ Params: { a: string } }>) {}", "/{a}"),
        ("type P = { a: string };\nexport const f = (r: R<{ Params: P }>) => 1;", "/{a}"),
        ("export const f = { schema: {}, handler(request) {} };", "/"),
        ('export { g as f } from "./live.ts";', "/"),
    ],
)
def test_an_export_that_a_route_can_call(
    check_node: Callable[..., list[str]], write: Write, source: str, path: str
) -> None:
    write({INDEX: source, "shared/js/core/src/live.ts": "export function g() {}"})

    assert check_node(route(path, "@tiny/core:f")) == []


@pytest.mark.parametrize(
    ("source", "path", "problem"),
    [
        ("export function g() {}", "/", f"{INDEX}:1: does not export f; it exports g; export it"),
        ("export function f(a, b, c, d) {}", "/", "has 4 parameters, and is called with (request"),
        ("\nexport function f(r) {}", "/{a}", f"{INDEX}:2: does not name the parameters of the pa"),
        ("export const f = (r: R<{ Params: { b: string } }>) => 1;", "/{a}", "has no parameter a"),
        (
            "export const f = (r: R<{ Params: { a: string; b: string } }>) => 1;",
            "/{a}",
            "has b in its Params, and the path /{a} has it not; add {b} to the path",
        ),
    ],
)
def test_an_export_that_a_route_cannot_call(
    check_node: Callable[..., list[str]], write: Write, source: str, path: str, problem: str
) -> None:
    write({INDEX: source})

    found = check_node(route(path, "@tiny/core:f"))

    assert found[0].startswith("3:")
    assert any(problem in mistake for mistake in found)


@pytest.mark.parametrize(
    ("part", "source", "problem"),
    [
        (route("/", "@tiny/core/live:f", "websocket"), "export function f(socket) {}", ""),
        (route("/", "@tiny/core/live:f", "websocket"), "export function f() {}", "has no paramet"),
        (
            route("/{a}", "@tiny/core/live:f", "websocket"),
            "export function f(socket, request: R<{ Params: { a: string } }>) {}",
            "",
        ),
        (
            route("/{a}", "@tiny/core/live:f", "websocket"),
            "export function f(socket, request: R<{ Params: { b: string; a: string } }>) {}",
            "has b in its Params",
        ),
        (':jobs [{:name "j" :handler "@tiny/core/live:f"}]', "export async function f() {}", ""),
        (
            ':jobs [{:name "j" :handler "@tiny/core/live:f"}]',
            "export function f(a, b) {}",
            "has 2 parameters, and is called with (settings)",
        ),
        (':lifespan "@tiny/core/live:f"', "export function f(settings) {}", ""),
        (':checks {"x" "@tiny/core/live:f"}', "export const f = (state) => {};", ""),
    ],
)
def test_other_uses_of_an_export(
    check_node: Callable[..., list[str]], write: Write, part: str, source: str, problem: str
) -> None:
    write({"shared/js/core/src/live.ts": source})

    found = check_node(part)

    assert [problem in mistake for mistake in found] == ([True] if problem else [])


@pytest.mark.parametrize(
    ("handler", "deps", "problem"),
    [
        ("@tiny/core:f", "[]", "which :deps does not name; add {:pkg"),
        ("@tiny/core:f", '[{"@tiny/core" "workspace:*"}]', ""),
        ("@tiny/core/no:f", '["@tiny/core"]', "exports no ./no"),
        ("fastify:f", '["fastify"]', "is of no package of this repository in the service's lang"),
        ("tiny_py.x:f", '["@tiny/core"]', "is of no package of this repository in the service's"),
    ],
)
def test_an_export_is_of_a_declared_package(
    check_node: Callable[..., list[str]], write: Write, handler: str, deps: str, problem: str
) -> None:
    write(
        {INDEX: "export function f() {}", "shared/py/py/pyproject.toml": python_package("tiny-py")}
    )

    found = check_node(route("/", handler), deps)

    assert [problem in mistake for mistake in found] == ([True] if problem else [])
