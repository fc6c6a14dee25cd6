"""The real engines on what `make export` writes: their graph is ours, and so is what runs.

tests/template/engines has the lock of their programs. What the tasks run is told by a program
`make` that comes before the one on the PATH. Nothing is asked of a network, and no daemon starts.
"""

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monorepo.affected import changes, impact
from monorepo.core import workspace
from monorepo.exporting.plan import TASKS
from monorepo.graph import packages as graph
from tests.template.baking import bake, changed, commit, edit, run
from tests.template.test_journey_package import NO_NETWORK

pytestmark = pytest.mark.slow

LOCKED = Path(__file__).with_name("engines")
MISE = "node_modules/@jdxcode/mise-linux-x64/bin/mise"
PROGRAMS = {"mise": MISE, "moon": "node_modules/.bin/moon", "nx": "node_modules/.bin/nx"}
NAMES = [task.name for task in TASKS]
PACKAGES = "shared/py/core shared/js/core"
CORE, AUDIO, CLIENT, UI = "shared/py/core", "shared/py/audio", "shared/js/core", "shared/js/ui"
# It notes which target runs where, and runs it as a person would: a build may ask an index.
NOTING = """\
#!/bin/sh
echo "${{PWD#{root}/}} $*" >> "{log}"
exec env {unset} {given} "{make}" "$@"
"""


@dataclass(frozen=True)
class Desk:
    """A monorepo below the folder where the programs are, and what noted its tasks."""

    root: Path
    env: Mapping[str, str]
    log: Path

    def engine(self, name: str, *words: str) -> str:
        """Run a program; return what it printed."""
        return run(self.root, self.root.parent / PROGRAMS[name], *words, env=self.env)

    def tasks(self, engine: str, *names: str) -> set[str]:
        """Have an engine run tasks of all packages; return those for which it started Make."""
        self.log.write_text("")
        if engine == "nx":
            self.engine("nx", "run-many", "--output-style=static", f"--targets={','.join(names)}")
        elif engine == "moon":
            self.engine("moon", "run", *(f":{name}" for name in names))
        else:
            words = [word for name in names for word in (":::", f"//...:{name}")]
            self.engine("mise", "run", *words[1:])
        return {*self.log.read_text().splitlines()}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Make a monorepo in two languages, with a package generated from another, and export it."""
    place = tmp_path_factory.mktemp("engines").resolve()
    root = bake(place, packages=PACKAGES)
    run(root, "make", "install")
    for path, needed in ((AUDIO, CORE), (UI, CLIENT)):
        run(root, "make", "new", f"AT={path}", f"DEPS={needed}", "EXAMPLE=0")
    for name in ("package.json", "pnpm-lock.yaml"):
        shutil.copy(LOCKED / name, place)
    pnpm = {"PATH": f"{root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}", "CI": "true"}
    quiet = ("--frozen-lockfile", "--ignore-scripts", "--ignore-workspace")
    run(place, root / ".venv/bin/pnpm", "install", *quiet, env=pnpm)
    programs, home = place / "programs", place / "home"
    for folder in (programs, home):
        folder.mkdir()
    names = [*NO_NETWORK, "HOME"]
    noting = NOTING.format(
        root=root,
        log=place / "log",
        make=shutil.which("make"),
        unset=" ".join(f"--unset={name}" for name in names),
        given=shlex.join(f"{name}={os.environ[name]}" for name in names if name in os.environ),
    )
    (programs / "make").write_text(noting)
    (programs / "make").chmod(0o755)
    env = {
        **NO_NETWORK,
        **{"HOME": str(home), "NX_DAEMON": "false", "NX_NO_CLOUD": "true", "NX_TUI": "false"},
        **{"DO_NOT_TRACK": "1", "MISE_OFFLINE": "1", "MISE_YES": "1", "CI": ""},
        # Nx and the program in front of moon are started by Node.
        "PATH": f"{programs}{os.pathsep}{root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
    }
    _generate(root)
    run(root, "make", "export", "TO=mise moon nx")
    commit(root)
    run(root, "git", "tag", "exported")
    return Desk(root, env, place / "log")


def _generate(root: Path) -> None:
    """Have a package in JavaScript be generated from one in Python."""
    manifest = json.loads((root / UI / "package.json").read_text(encoding="utf-8"))
    command = ["sh", "-c", "echo 'export const made = true;'"]
    made = {"command": command, "inputs": [CORE], "outputs": ["src/generated/made.ts"]}
    manifest["monorepo"]["generate"] = {"made": made}
    (root / UI / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    run(root, "make", "generate", "format")


@pytest.fixture(params=PROGRAMS)
def engine(request: pytest.FixtureRequest, desk: Desk) -> str:
    """Return the name of an engine, with the monorepo as it was exported."""
    name = str(request.param)
    if name == "mise" and not (desk.root.parent / MISE).exists():
        pytest.skip("the lock has mise for Linux on x86-64 alone")
    run(desk.root, "git", "checkout", "--quiet", "--detach", "exported")
    run(desk.root, "git", "clean", "-fdq")
    return name


def test_what_is_exported_is_fine_with_formatters_and_rules(desk: Desk) -> None:
    run(desk.root, "git", "checkout", "--quiet", "--detach", "exported")
    run(desk.root, "make", "lint", "guard", "export", "CHECK=1")
    run(desk.root, "make", "format")
    assert changed(desk.root) == ""


def test_the_graph_of_an_engine_is_ours(engine: str, desk: Desk) -> None:
    ours = graph.graph(workspace.load(desk.root))
    assert ours == {CORE: set(), AUDIO: {CORE}, CLIENT: set(), UI: {CLIENT, CORE}}
    assert {"nx": _nx_graph, "moon": _moon_graph, "mise": _mise_graph}[engine](desk) == ours


def _nx_graph(desk: Desk) -> dict[str, set[str]]:
    file = desk.root.parent / "graph.json"
    desk.engine("nx", "graph", f"--file={file}")
    told = json.loads(file.read_text(encoding="utf-8"))["graph"]["dependencies"]
    return {path: {edge["target"] for edge in edges} for path, edges in told.items()}


def _moon_graph(desk: Desk) -> dict[str, set[str]]:
    told = json.loads(desk.engine("moon", "project-graph", "--json"))
    names = {int(number): one["id"] for number, one in told["data"].items()}
    found: dict[str, set[str]] = {name: set() for name in names.values()}
    for source, target, _ in told["graph"]["edges"]:
        found[names[source]].add(names[target])
    return found


def _mise_graph(desk: Desk) -> dict[str, set[str]]:
    told = _json(desk.engine("mise", "tasks", "graph", "--json"))
    roots = {one["id"]: one["root"] for one in told["projects"]}
    return {one["root"]: {roots[name] for name in one["dependencies"]} for one in told["projects"]}


def _json(text: str) -> Any:  # noqa: ANN401
    """Return the JSON in what a program printed."""
    return json.loads(text[text.index("{") :])


def test_tasks_run_and_run_only_once(engine: str, desk: Desk) -> None:
    every = {f"{path} {name}" for path in (CORE, AUDIO, CLIENT, UI) for name in NAMES}
    assert desk.tasks(engine, *NAMES) == every
    assert changed(desk.root) == ""
    built = [*desk.root.glob("shared/*/*/dist"), *desk.root.glob("shared/js/*/build/*.tgz")]
    assert len(built) == 6
    assert desk.tasks(engine, *NAMES) == set()
    for one in built:
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    # What a task has made comes back with its result.
    assert desk.tasks(engine, "build") == set()
    assert all(one.exists() for one in built)

    # Tests are of a package alone; sources are of all that need it, but not for the linter.
    edit(desk.root / CORE / "README.md", "#", "# ")
    with (desk.root / CORE / "tests/unit/test_retries.py").open("a") as file:
        file.write("\n\ndef test_more() -> None:\n    assert True\n")
    assert desk.tasks(engine, "test") == {f"{CORE} test"}
    with next((desk.root / CORE / "src").glob("*/__init__.py")).open("a") as file:
        file.write("\nMORE = 1\n")
    assert desk.tasks(engine, "test") == {f"{path} test" for path in (CORE, AUDIO, UI)}
    assert desk.tasks(engine, "lint") == {f"{CORE} lint"}
    assert desk.tasks(engine, "test") == set()
    run(desk.root, "git", "checkout", "--quiet", ".")
    assert desk.tasks(engine, "test") == set()


# What is changed; and what an engine affects more than we do, because it knows no scopes of a
# package and no parts of a file.
EDITS = {
    "the source of a leaf": (f"{AUDIO}/src/acme_audio/__init__.py", {}),
    "a shared source": (f"{CORE}/src/acme_core/__init__.py", {}),
    "a manifest": (f"{CLIENT}/package.json", {}),
    "what Python is run with": ("tools/make/py.mk", {"mise": {CLIENT, UI}}),
    "what JavaScript is checked with": ("biome.json", {"mise": {CORE, AUDIO}}),
    "a pin of JavaScript": ("pnpm-lock.yaml", {}),
    "a pin of all": ("constraints.txt", {}),
    "the Makefile": ("Makefile", {}),
    "a file that nobody knows": (".github/workflows/ci.yml", {}),
    "a document": ("README.md", {"mise": {CORE, AUDIO, CLIENT, UI}}),
    "tests": (f"{CORE}/tests/unit/test_retries.py", {"mise": {AUDIO, UI}, "moon": {AUDIO, UI}}),
}


@pytest.mark.parametrize("edited", EDITS)
def test_what_a_change_affects_is_what_we_say(edited: str, engine: str, desk: Desk) -> None:
    path, more = EDITS[edited]
    _change(desk.root / path)
    commit(desk.root)
    found = changes.since(desk.root, base="exported", head="HEAD")
    with changes.opened(found) as space:
        ours = {*impact.affected(space, found).packages}
    theirs = {"nx": _nx_affected, "moon": _moon_affected, "mise": _mise_affected}[engine](desk)
    assert theirs - ours == more.get(engine, set()) - ours
    assert ours - theirs == set()


def _change(file: Path) -> None:
    """Change a file, so that its text means something else."""
    text = file.read_text(encoding="utf-8")
    if file.name == "constraints.txt":
        text = re.sub(r"(?m)^uv==.*$", "uv==0.0.1", text)
    elif file.name == "pnpm-lock.yaml":
        text = re.sub(r"typescript@\d+\.\d+\.\d+", "typescript@5.0.1", text)
    elif file.name == "package.json":
        text = text.replace('"version": "0.1.0"', '"version": "0.1.1"')
    else:
        comment = "//" if file.suffix in (".json", ".ts") else "#"
        text += f"{comment} More.\n"
    assert text != file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")


def _nx_affected(desk: Desk) -> set[str]:
    words = ["--base=exported", "--head=HEAD", f"--targets={','.join(NAMES)}"]
    words += ["--exclude-task-dependencies", "--graph=stdout"]
    told = _json(desk.engine("nx", "affected", *words))["tasks"]["tasks"]
    return {one["target"]["project"] for one in told.values()}


def _moon_affected(desk: Desk) -> set[str]:
    env = {**desk.env, "MOON_BASE": "exported", "MOON_HEAD": "HEAD"}
    told = Desk(desk.root, env, desk.log).engine("moon", "query", "affected", "--downstream=deep")
    return {*_json(told).get("projects", {})}


def _mise_affected(desk: Desk) -> set[str]:
    words = ("--affected-base=exported", "--affected-head=HEAD", "--affected-json", "test")
    told = _json(desk.engine("mise", "run", "--affected", *words))
    return {one["root"] for one in told["projects"]}


def test_what_a_change_of_the_packages_makes_stale_is_told(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=CORE)
    with (root / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n```mermaid\nflowchart LR\n```\n")
    run(root, "make", "sync-docs")
    run(root, "make", "export", "TO=mise nx")
    commit(root)
    for words, stale in (
        (("new", f"AT={AUDIO}", f"DEPS={CORE}", "EXAMPLE=0"), {"sync-docs", "mise", "nx"}),
        # What is generated for Nx in the package follows, with all that names it.
        (("rename", f"AT={AUDIO}", "TO=shared/py/sound"), {"sync-docs", "mise"}),
        (("remove", "AT=shared/py/sound"), {"sync-docs", "mise"}),
    ):
        run(root, "make", *words)
        said = run(root, "make", "guard", "RULE=drift", code=2)
        assert {*re.findall(r"run make (?:export TO=)?([\w-]+)", said)} == stale, words
        run(root, "make", "export", "CHECK=1", code=2)
        run(root, "make", "sync-docs", "export")
        run(root, "make", "guard", "RULE=drift")
        run(root, "make", "export", "CHECK=1")
        commit(root)
