"""Whoever imports a module finds the same in the package that it becomes, in any way."""

import ast
import doctest
import importlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, note
from hypothesis import strategies as st

from monorepo.core.workspace import Package, Workspace
from monorepo.splitting import python
from monorepo.splitting.splitting import Split

CORE, USER = "shared/py/core", "shared/py/user"
SOURCE = f"{CORE}/src/acme_core"
# What is in the module, and in its submodules; none is a name of two.
NAMES = {"audio": ["one", "two"], "audio.deep": ["three"], "audio.deep.er": ["four"]}
REST = ["five", "six"]

exported = st.lists(
    st.sampled_from(
        [
            *((module, name) for module, names in NAMES.items() for name in names),
            *(("rest", name) for name in REST),
        ]
    ),
    unique=True,
)
listed = st.booleans()


@st.composite
def consumers(draw: st.DrawFn, names: list[tuple[str, str]]) -> str:
    """Return a module that imports names in some ways, and has them in the list `found`."""
    lines: list[str] = []
    every = [(module, name) for module, some in NAMES.items() for name in some]
    every += [("rest", name) for name in REST]
    for number in range(draw(st.integers(1, 6))):
        module, name = draw(st.sampled_from(every))
        above, _, last = f"acme_core.{module}".rpartition(".")
        forms = [
            f"from acme_core.{module} import {name}\nfound.append({name})",
            f"from acme_core.{module} import {name} as n{number}\nfound.append(n{number})",
            f"import acme_core.{module}\nfound.append(acme_core.{module}.{name})",
            f"import acme_core.{module} as m{number}\nfound.append(m{number}.{name})",
            f"from {above} import {last}\nfound.append({last}.{name})",
            f"from {above} import (\n    {last} as l{number},  # why\n)\n"
            f"found.append(l{number}.{name})",
            "from importlib import import_module\n"
            f"found.append(import_module('.{module}', 'acme_core').{name})",
            f"def f{number}():\n    import acme_core.{module}\n"
            f"    return acme_core.{module}.{name}\nfound.append(f{number}())",
        ]
        if (module, name) in names:
            forms += [
                f"from acme_core import {name}\nfound.append({name})",
                f"import acme_core\nfound.append(acme_core.{name})",
                f"import acme_core as c{number}\nfound.append(c{number}.{name})",
            ]
        both = [one for one in names if one != (module, name)]
        if both and (module, name) in names:
            other = draw(st.sampled_from(both))[1]
            forms.append(f"from acme_core import {name}, {other}\nfound += [{name}, {other}]")
        lines.append(draw(st.sampled_from(forms)))
    return "found = []\n" + "\n".join(lines) + "\n"


def doctested(code: str) -> str:
    """Return code as a doctest, with words between the examples."""
    starts = {node.lineno for node in ast.parse(code).body}
    rows = enumerate(code.splitlines(), 1)
    return "".join(
        f"\nNext:\n\n    >>> {row}\n" if number in starts else f"    ... {row}\n"
        for number, row in rows
    )


def package(names: list[tuple[str, str]], *, with_all: bool) -> dict[str, str]:
    """Return the files of a package that exports some names of its modules."""
    files = {f"{SOURCE}/rest.py": "".join(f"{name} = {name!r}\n" for name in REST)}
    for module, some in NAMES.items():
        file = f"{SOURCE}/{module.replace('.', '/')}/__init__.py"
        files[file] = "".join(f"{name} = {name!r}\n" for name in some)
    init = "".join(f"from .{module} import {name}\n" for module, name in names)
    if with_all:
        init += f"\n__all__ = {[name for _, name in names]}\n"
    files[f"{SOURCE}/__init__.py"] = init
    return files


def run(root: Path, files: Mapping[str, str]) -> list[str]:
    """Return what the consumer finds in a tree of files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    places = sorted({str(root / "/".join(path.split("/")[:3]) / "src") for path in files})
    before = [*sys.path]
    sys.path[:0] = places
    sys.dont_write_bytecode, wrote = True, sys.dont_write_bytecode
    importlib.invalidate_caches()
    try:
        return list(importlib.import_module("acme_user").found)
    finally:
        sys.path[:], sys.dont_write_bytecode = before, wrote
        for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme_")]:
            del sys.modules[name]


@given(st.data(), exported, st.sampled_from([*NAMES]), listed)
def test_importers_find_the_same(
    data: st.DataObject, names: list[tuple[str, str]], module: str, with_all: bool
) -> None:
    files = package(names, with_all=with_all)
    consumer, document = f"{USER}/src/acme_user/__init__.py", f"{USER}/docs/it.rst"
    files[consumer] = data.draw(consumers(names))
    files[document] = doctested(files[consumer])
    with tempfile.TemporaryDirectory() as before, tempfile.TemporaryDirectory() as after:
        root = Path(before)
        wanted = run(root, files)
        core, user = (
            Package(root, path, {"project": {"name": f"acme-{path.rpartition('/')[2]}"}})
            for path in (CORE, USER)
        )
        space = Workspace(root, {}, {CORE: core, USER: user})
        name, paths = python.find(core, module)
        split = Split(core, name, tuple(paths), "shared/py/new", "acme-new", "acme_new")
        plan = python.plan(space, split, files, files)
        # A doctest does what the module does.
        session = plan.text(document, files)
        examples = doctest.DocTestParser().get_examples(session)
        note(session)
        made = {
            file: change("__all__: list[str] = []\n")
            for file, change in plan.made.items()
            if file.endswith(".py")
        }
        texts = {plan.moved.get(file, file): plan.text(file, files) for file in files}
        note(texts[consumer])
        assert run(Path(after), {**texts, **made}) == wanted
        texts[consumer] = "".join(one.source for one in examples)
        assert run(Path(after), {**texts, **made}) == wanted
        assert not any("acme_core" in text for file, text in texts.items() if "/new/" in file)
