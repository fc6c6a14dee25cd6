"""What import-linter finds, with its graph grimp, the rule `layers` finds as well.

What it finds and the rule does not, on purpose: cycles of modules inside one package
(`acyclic_siblings`). A package is installed and tested as a whole, and no consumer can have half of
a cycle. What the rule finds beyond it: the `__init__` of what is imported, manifests, entry points,
strings, stubs, notebooks and JavaScript.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grimp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.graph import packages as graph
from monorepo.guard import runner
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]
# The names are those of no other test: what is imported, grimp does not look for.
PACKAGES = {f"tiny_o{one}": f"shared/py/o{one}" for one in "abc"}
SERVICES = {f"tiny_svc_o{one}": f"services/py/o{one}" for one in "de"}
FOLDERS = PACKAGES | SERVICES
MODULES = [f"{name}{end}" for name in FOLDERS for end in ("", ".one", ".two")]
SPELLINGS = (
    "import {module}",
    "import os, {module} as other",
    "from {module} import x",
    "def f():\n    from {package} import {last}",
    "try:\n    import {module}.x\nexcept ImportError:\n    pass",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {module}",
)
IMPORTS = st.sets(
    st.tuples(st.sampled_from(MODULES), st.sampled_from([*MODULES, "torch"]), st.integers(0, 5)),
    max_size=12,
)
FRESH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def file(module: str) -> str:
    name, _, inner = module.partition(".")
    return f"{FOLDERS[name]}/src/{name}/{inner or '__init__'}.py"


@pytest.fixture(autouse=True)
def corpus(root: Path, package: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for path in FOLDERS.values():
        package(path)
        monkeypatch.syspath_prepend(root / path / "src")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as facts:
        facts.write('[[tool.monorepo.layers]]\nfrom = ["shared/py/oa"]\nwhy = "x"\n')
        facts.write('never = ["shared/py/oc", "torch"]\n')


def both(
    root: Path, write: Write, imports: set[tuple[str, str, int]]
) -> tuple[list[Finding], grimp.ImportGraph]:
    """Write a corpus; return what our rule finds in it, and the graph of grimp."""
    codes = {module: ["x = 1"] for module in MODULES}
    for module, imported, spelling in sorted(imports):
        package, _, last = imported.rpartition(".")
        text = SPELLINGS[spelling].format(module=imported, package=package or imported, last=last)
        codes[module].append(text if last and package else f"import {imported}")
    write({file(module): "\n".join(lines) for module, lines in codes.items()})
    found = runner.guard(workspace.load(root), ["layers"])
    return found, grimp.build_graph(*FOLDERS, include_external_packages=True, cache_dir=None)


@FRESH
@given(IMPORTS)
def test_imports_of_services(root: Path, write: Write, imports: set[tuple[str, str, int]]) -> None:
    found, modules = both(root, write, imports)
    theirs = {
        (file(importer), SERVICES[service])
        for service in SERVICES
        for module in (service, *modules.find_descendants(service))
        for importer in modules.find_modules_that_directly_import(module)
        if importer.partition(".")[0] != service
    }
    ours = [one for one in found if one.id == "layers.service"]
    assert {(one.path, one.message.rpartition(" ")[2]) for one in ours} == theirs


@FRESH
@given(IMPORTS)
def test_contracts(root: Path, write: Write, imports: set[tuple[str, str, int]]) -> None:
    found, modules = both(root, write, imports)
    ours = any(one.id == "layers.contract" for one in found)

    def broken() -> bool:
        return any(
            forbidden in modules.modules
            and modules.chain_exists(importer="tiny_oa", imported=forbidden, as_packages=True)
            for forbidden in ("tiny_oc", "torch")
        )

    assert ours or not broken()
    # To import a module, Python imports first what it is in.
    for importer in modules.modules - {"torch"}:
        for imported in modules.find_modules_directly_imported_by(importer):
            above = imported.partition(".")[0]
            if above not in (imported, importer.partition(".")[0]):
                modules.add_import(importer=importer, imported=above)
    assert ours == broken()


NODES = st.sampled_from("abcdefgh")


@given(st.dictionaries(NODES, st.sets(NODES), max_size=8))
def test_components(edges: dict[str, set[str]]) -> None:
    edges = {one: edges.get(one, set()) - {one} for one in "abcdefgh"}
    modules = grimp.ImportGraph()
    for one, needed in edges.items():
        modules.add_module(one)
        for other in needed:
            modules.add_import(importer=one, imported=other)

    def reaches(one: str, other: str) -> bool:
        return one == other or modules.chain_exists(importer=one, imported=other)

    theirs = {
        frozenset(other for other in edges if reaches(one, other) and reaches(other, one))
        for one in edges
    }
    ours = graph.components(edges)
    assert {frozenset(one) for one in ours} == {one for one in theirs if len(one) > 1}
    for cycle in graph.cycles(edges):
        way = modules.find_shortest_chain(importer=cycle[1], imported=cycle[0])
        assert way is not None
        assert len(way) == len(cycle) - 1


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        ({"tiny_oa": "from tiny_ob import x", "tiny_ob": "from tiny_oc.one import x"}, False),
        ({"tiny_oa.one": "import tiny_ob.two", "tiny_ob.two": "import tiny_oc"}, False),
        ({"tiny_oa": "from .one import x", "tiny_oa.one": "import tiny_oc"}, False),
        ({"tiny_oa": "import tiny_ob", "tiny_ob": "import os", "tiny_ob.one": "import os"}, True),
        ({"tiny_oc": "import tiny_oa"}, True),
    ],
)
def test_the_program_itself(root: Path, write: Write, files: dict[str, str], kept: bool) -> None:
    both(root, write, set())
    write({file(module): text for module, text in files.items()})
    lines = ["[importlinter]", "root_packages =", *(f"  {name}" for name in FOLDERS)]
    lines += ["[importlinter:contract:1]", "name = 1", "type = forbidden"]
    lines += ["source_modules = tiny_oa", "forbidden_modules = tiny_oc"]
    write({".importlinter": "\n".join(lines)})
    words = ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    path = os.pathsep.join(str(root / folder / "src") for folder in FOLDERS.values())
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        capture_output=True,
    )
    assert (done.returncode == 0) == kept, done.stdout + done.stderr
    found = runner.guard(workspace.load(root), ["layers"])
    assert [one for one in found if one.id == "layers.contract"] == [] if kept else found
