"""The phase of a repository is what its rules say, and the next command is one to type."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.ratchet import phases
from monorepo.ratchet.phases import Condition, Phase, Phases

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
CORE, API = "shared/py/core", "services/py/api"
DASH = "\N{EN DASH}"
MARK = '[tool.monorepo]\nlegacy = ["legacy-cpu"]\n'


def conditions(root: Path, number: int) -> dict[str, Condition]:
    """Return the conditions of a phase by their first word, or the rule that they are."""
    found = phases.look(workspace.load(root)).phases[number].conditions
    return {one.name.rpartition("(")[2].rstrip(")"): one for one in found}


def test_requirements_files_are_frozen_first(root: Path, write: Write) -> None:
    write(
        {
            "shared/requirements.txt": "a==1\n",
            "requirements/dev.in": "b\n",
            "x/cpu-requirements-3.txt": "c\n",
            "x/tests/requirements.txt": "d\n",
            "tools/requirements-x.txt": "e\n",
            "x/notes.txt": "f\n",
        }
    )
    one = conditions(root, 0)["no requirements file is left"]
    assert (one.left, one.is_done) == (3, False)
    assert one.detail == "3: requirements/dev.in, and 2 more"
    files = "requirements/dev.in shared/requirements.txt x/cpu-requirements-3.txt"
    assert one.advice == f"make migrate-requirements FILES='{files}'"
    found = phases.look(workspace.load(root))
    assert found.current == -1
    assert phases.as_text(found).startswith(
        f"no phase is done yet\n{DASH} 0 frozen\n    {DASH} no require"
    )
    assert found.next == one.advice


def test_a_requirements_file_that_was_migrated_goes(root: Path, write: Write) -> None:
    line = hashes.source("a b/requirements.txt", hashlib.sha256(b"a==1\n").hexdigest())
    write({"a b/requirements.txt": "a==1\n", "constraints.txt": f"{line}\na==1\n"})
    one = conditions(root, 0)["no requirements file is left"]
    assert (one.left, one.advice) == (1, "git rm -f 'a b/requirements.txt'")
    write({"a b/requirements.txt": "a==2\n"})
    one = conditions(root, 0)["no requirements file is left"]
    assert one.advice == "make migrate-requirements FILES='a b/requirements.txt'"


def test_a_rule_is_a_condition_also_where_it_is_allowed(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(CORE)
    write({f"{CORE}/src/tiny_core/x.py": "import left\n"})
    message = "imports left, which no declared dependency provides"
    write(
        {"guard-baseline.json": json.dumps([["declared", f"{CORE}/src/tiny_core/x.py", message]])}
    )
    one = conditions(root, 1)["declared"]
    assert (one.left, one.detail) == (1, f"1: {CORE}/src/tiny_core/x.py:1")
    assert one.advice == f"make guard RULE=declared PKG={CORE}"


def test_code_of_an_old_repository_becomes_packages(
    root: Path, package: MakePackage, write: Write
) -> None:
    old = ("legacy/b/app.ts", "legacy/a c/x.py", "legacy/a c/y.py")
    passed = ("legacy/tests/x.py", "noxfile.py", "tools/rules/x.py", ".github/x.py", "docs/a.md")
    package(CORE, **{"legacy-cpu": ["left"]})
    write(dict.fromkeys((*old, *passed), ""))
    name = "all code is in packages"
    assert conditions(root, 1)[name].left is None
    with (root / CORE / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(MARK)
    one = conditions(root, 1)[name]
    assert (one.left, one.detail) == (3, "3: legacy/a c/x.py, and 2 more")
    assert one.advice == "make migrate-import FROM='legacy/a c' AT=…"
    for path in old:
        (root / path).unlink()
    assert conditions(root, 1)[name].is_done


def test_what_old_packages_require_is_pinned_once_they_are_packages_here(
    root: Path, write: Write
) -> None:
    pins, code = "each version is pinned, in constraints.txt (pins)", "all code is in packages"

    def look() -> tuple[Condition, Condition]:
        found = phases.look(workspace.load(root)).phases
        ours = [one for phase in found for one in phase.conditions if one.name in (pins, code)]
        return ours[0], ours[1]

    write(
        {
            "constraints.txt": "",
            "legacy/a/setup.py": "setup(install_requires=['x>=1', 'y'])\n",
            "legacy/a/x/__init__.py": "",
            "legacy/b/pyproject.toml": "[project]\ndependencies = ['x>=1']\n",
        }
    )
    pinned, old = look()
    assert (pinned.left, old.left) == (0, 3)
    assert old.detail == "3: legacy/a/setup.py, and 2 more"
    assert old.advice == "make migrate-import FROM=legacy/a AT=…"
    # What other files install can be pinned there.
    write({"legacy/a/Dockerfile": "RUN pip install x\n"})
    pinned, old = look()
    assert (pinned.left, old.left) == (1, 3)
    assert pinned.advice == "make guard RULE=pins"
    # That of the repository, make lock pins.
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["x>=1"]')})
    pinned, _ = look()
    assert (pinned.left, pinned.advice) == (2, "make lock")


def test_extras_and_who_asks_for_the_one_of_a_migration(
    root: Path, package: MakePackage, write: Write
) -> None:
    assert (
        conditions(root, 1)["each module has an extra besides those for a migration"].left is None
    )
    assert conditions(root, 2)["nobody requests an extra for a migration"].left is None
    folder = package(CORE, **{"legacy-cpu": ["left"]})
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(MARK)
    write({f"{CORE}/src/tiny_core/io.py": "import left\n"})
    package(API, "tiny-core[legacy-cpu]")
    lacking = conditions(root, 1)["each module has an extra besides those for a migration"]
    assert (lacking.left, lacking.detail) == (1, f"1: {CORE}: io")
    assert lacking.advice == f"make ratchet PKG={CORE} FIX=1"
    asking = conditions(root, 2)["nobody requests an extra for a migration"]
    assert (asking.left, asking.detail) == (1, f"1: {API}")
    assert asking.advice == f"make ratchet PKG={API} FIX=1"
    package(API)
    asking = conditions(root, 2)["nobody requests an extra for a migration"]
    assert (asking.left, asking.detail) == (0, "")
    assert conditions(root, 2)["there is none"].advice == "make ratchet FIX=1"
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["tiny-core[legacy-cpu]"]')})
    asking = conditions(root, 2)["nobody requests an extra for a migration"]
    assert (asking.left, asking.advice) == (1, "remove it from pyproject.toml")


def test_services_are_thin_without_exceptions(
    root: Path, package: MakePackage, write: Write
) -> None:
    assert [one.left for one in conditions(root, 3).values()] == [None]
    assert [one.left for one in conditions(root, 4).values()] == [None]
    package(API)
    package("services/py/job")
    for name in ("api", "job"):
        write({f"services/py/{name}/src/tiny_svc_{name}/main.py": "print()\n"})
        (root / f"services/py/{name}/backend.py").unlink()
    assert [one.left for one in conditions(root, 3).values()] == [0, 0]
    write({f"{API}/src/tiny_svc_api/more.py": "print()\n" * 3})
    found = conditions(root, 3)["thin"]
    assert (found.left, found.detail) == (1, f"1 of 2; {API} is next")
    assert found.advice == f"make split PKG={API} MODULE=more"
    adapter = f"{API}/src/tiny_svc_api/more.py"
    table = f'[tool.monorepo.thin]\nstatements = 200\nadapters = ["{adapter}"]\n'
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f"{facts}{table}"})
    assert conditions(root, 3)["thin"].left == 0
    left = conditions(root, 3)["without exceptions"]
    assert (left.left, left.detail) == (2, f"2: {API}/src/tiny_svc_api/more.py, and 1 more")
    assert left.advice == f"make split PKG={API} MODULE=more"
    # A setting of earlier versions.
    write({"pyproject.toml": f"{facts}[tool.monorepo.thin]\nlines = 200\n"})
    left = conditions(root, 3)["without exceptions"]
    assert left.detail == "1: up to 400 statements"
    assert left.advice == (
        "take the limit out of [tool.monorepo.thin] in pyproject.toml, "
        "and then make guard RULE=thin"
    )
    write({"pyproject.toml": f"{facts}[tool.monorepo.thin]\nadapters = ['services/py/x/*']\n"})
    assert conditions(root, 3)["without exceptions"].advice == (
        "take services/py/x/* out of adapters in [tool.monorepo.thin]"
    )
    # Fewer statements are no exception.
    write({"pyproject.toml": f"{facts}[tool.monorepo.thin]\nstatements = 10\n"})
    assert conditions(root, 3)["without exceptions"].left == 0
    write(
        {
            "pyproject.toml": f"{facts}[tool.monorepo]\nthin = 1\n".replace(
                "[tool.monorepo]\nthin", "thin"
            )
        }
    )
    assert conditions(root, 3)["without exceptions"].left == 0


@pytest.mark.parametrize(
    ("files", "command"),
    [
        # One that imports nothing of the service goes first.
        ({"a.py": "from .b import x\n", "b.py": "x = 1\n"}, "MODULE=b"),
        ({"a/__init__.py": "from .b import x\n", "a/b.py": "from . import c\nx = 1\n"}, "MODULE=a"),
        # To split it says what to move.
        ({"a.py": "from .b import x\n", "b.py": "from .a import y\n"}, "MODULE=a"),
        # Something has the place already, or it would be no name.
        ({"core.py": "x = 1\n"}, "MODULE=core AT=shared/py/api-core"),
        ({"svc_a.py": "x = 1\n"}, "MODULE=svc_a AT=shared/py/api-svc-a"),
        # The folder has the entry point as well.
        ({"app/__main__.py": "from . import a\n", "app/a.py": "print()\n"}, "MODULE=app.a"),
    ],
)
def test_the_next_module_of_a_service_is_named(
    root: Path, package: MakePackage, write: Write, files: dict[str, str], command: str
) -> None:
    package(CORE)
    (package(API) / "backend.py").unlink()
    main = {} if "app/a.py" in files else {"main.py": "print()\n"}
    write({f"{API}/src/tiny_svc_api/{path}": text for path, text in (main | files).items()})
    found = conditions(root, 3)["thin"]
    assert found.advice == f"make split PKG={API} {command}"


def test_the_next_module_of_a_service_in_javascript_is_named(
    root: Path, javascript: Path, write: Write
) -> None:
    web = "services/js/web"
    files = {
        f"{web}/package.json": '{"name": "@tiny/svc-web", "main": "./dist/main.js"}',
        f"{web}/src/main.ts": 'import "./a.ts";\n',
        f"{web}/src/a.ts": 'import "./b/index.ts";\n',
        f"{web}/src/b/index.ts": 'import "./c.ts";\n',
        f"{web}/src/b/c.ts": "export {};\n",
    }
    write(files)
    assert conditions(javascript, 3)["thin"].advice == f"make split PKG={web} MODULE=b"


def test_an_entry_point_that_is_long_is_told(
    root: Path, package: MakePackage, write: Write
) -> None:
    (package(API) / "backend.py").unlink()
    main = f"{API}/src/tiny_svc_api/main.py"
    write({main: "print()\n" * 31})
    found = conditions(root, 3)["thin"]
    assert found.advice == (
        f"move code of {main} to a module beside it, such as handlers.py, and then "
        f"make split PKG={API} MODULE=handlers"
    )


def test_what_is_beside_the_sources_is_for_guard(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(API)
    write({f"{API}/src/tiny_svc_api/main.py": "print()\n"})
    assert conditions(root, 3)["thin"].advice == f"make guard RULE=thin PKG={API}"


def test_services_are_configured_and_packages_flat(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(API)
    found = conditions(root, 4)["each service has a service.edn"]
    assert (found.left, found.detail) == (1, f"0 of 1; {API} is next")
    assert found.advice == f"write {API}/service.edn, and then make sync PKG={API}"
    write({f"{API}/service.edn": "{}\n"})
    assert conditions(root, 4)["each service has a service.edn"].detail == "1 of 1"
    found = conditions(root, 5)["each package is in packages/"]
    assert (found.left, found.advice) == (1, "make flatten")


def test_no_package_is_nowhere(root: Path) -> None:
    assert conditions(root, 5)["each package is in packages/"].left is None


DONE, UNDONE = Condition("a", 0, ""), Condition("b", 2, "2: x", "make x")
NONE = Condition("c", None, "there is none")


@pytest.mark.parametrize(
    ("given", "current", "then"),
    [
        ([], -1, ""),
        ([[UNDONE], [DONE]], -1, "make x"),
        ([[DONE, NONE], [DONE, UNDONE], [DONE]], 0, "make x"),
        ([[DONE], [NONE]], 1, ""),
    ],
)
def test_the_current_one_is_the_last_with_all_before_it(
    given: list[list[Condition]], current: int, then: str
) -> None:
    found = Phases(tuple(Phase("x", tuple(one)) for one in given))
    assert (found.current, found.next) == (current, then)


def test_the_report() -> None:
    found = Phases((Phase("frozen", (DONE, NONE)), Phase("extras", (UNDONE,))))
    assert phases.as_text(found) == (
        "phase 0 of 1: frozen\n✓ 0 frozen\n    ✓ a\n    · c: there is none\n"
        f"{DASH} 1 extras\n    {DASH} b: 2: x\nNext: make x"
    )
    assert phases.as_text(Phases(found.phases[:1])).endswith("\nThere is nothing left to do.")
    told = json.loads(phases.as_json(found))
    assert (told["schema_version"], told["current"], told["next"]) == (1, 0, "make x")
    assert told["phases"][1]["conditions"] == [
        {"name": "b", "done": False, "left": 2, "detail": "2: x"}
    ]
    assert told["phases"][0]["conditions"][1]["left"] is None
