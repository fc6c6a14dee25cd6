"""What it costs to add one package to a monorepo, each time one of a new name.

Ours also checks the names, takes the lock, writes a journal and, for JavaScript, mends
pnpm-lock.yaml; nobody installs anything. Beside it, bare cookiecutter and copier render the same
sub-template with the same values, and it is checked that the same files come out. `uv init --lib`
and `nx g` make packages of their own kind.
"""

import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.measuring import TEMPLATE, Cost, Job, Lab, Row, main
from monorepo.templating.sub_templates import OURS

# The newest two that belong together: plain `nx` would be one that @nx/js does not take yet.
NX = ("nx@23.3.1", "@nx/js@23.3.1")
NX_LIBRARY = ("--bundler=none", "--linter=none", "--unitTestRunner=none", "--no-interactive")
# As the scaffolder has them.
JINJA = {"trim_blocks": True, "lstrip_blocks": True}
ESCAPES = "monorepo.templating.jinja_filters.Escapes"


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = lab.bake("default")
    yield from python(lab, root)
    yield from javascript(lab, root)
    yield from growth(lab)


def python(lab: Lab, root: Path) -> Iterator[Row]:
    """A shared Python package, for which no lock is touched."""
    workspace = lab.folder / "uv-workspace"
    workspace.mkdir()
    (workspace / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["shared/py/*"]\n')
    init = ["uv", "init", "--lib", "--quiet", "--vcs", "none", "--python", sys.executable]
    what = "monorepo new, Python"
    peer = _named(init, workspace, "shared/py/x")
    ours, bare, copied, initialised = _compare(lab, root, "shared/py", peer)
    yield Row(what, ours, "cookiecutter, same sub-template", bare, goal=1.3)
    yield Row(what, ours, "copier, same sub-template", copied)
    yield Row(what, ours, "uv init --lib", initialised)


def javascript(lab: Lab, root: Path) -> Iterator[Row]:
    """A shared JavaScript package, for which pnpm-lock.yaml is mended."""
    what = "monorepo new, JavaScript"
    ours, bare, copied, *others = _compare(lab, root, "shared/js", *_nx(lab))
    yield Row(what, ours, "cookiecutter, same sub-template", bare, goal=1.3)
    yield Row(what, ours, "copier, same sub-template", copied)
    for generated in others:
        yield Row(what, ours, "nx g @nx/js:library", generated)


def growth(lab: Lab) -> Iterator[Row]:
    """The same in a monorepo of few packages, and in one of many."""
    roots = []
    for size in (10, 200):
        paths = " ".join(f"shared/py/p{number:03}" for number in range(size))
        roots.append(lab.bake(f"of-{size}", f"packages={paths}"))
    few, many = lab.compare(*(_ours(root, "shared/py") for root in roots))
    yield Row("monorepo new, beside 200 packages", many, "beside 10 packages", few)


def _compare(lab: Lab, root: Path, area: str, *others: Job) -> list[Cost]:
    """Return what adding to `area` costs: ours, cookiecutter, copier, then the other jobs."""
    outs = [lab.folder / f"{tool}-{area.replace('/', '-')}" for tool in ("cookiecutter", "copier")]
    costs = lab.compare(
        _ours(root, area),
        _cookiecutter(lab, root, area, outs[0]),
        _copier(lab, root, area, outs[1]),
        *others,
    )
    last = f"x{lab.rounds}"
    for out in outs:
        if _files(out / last) != _files(root / area / last):
            sys.exit(f"benchmarks: {out.name} made other files: its costs would say nothing")
    return costs


def _named(command: list[str], cwd: Path, stem: str) -> Job:
    """Return a job whose last word is `stem` with the number of the round."""
    words = [*command, ""]
    names = (f"{stem}{number}" for number in count())
    return Job(words, cwd, lambda: words.__setitem__(-1, next(names)))


def _with_engine() -> list[str]:
    """Return what to put before a command that imports the engine."""
    return ["env", f"PYTHONPATH={TEMPLATE / 'src'}"]


def _ours(root: Path, area: str) -> Job:
    """Return the job of adding a package to a monorepo; Make would only call this."""
    command = [*_with_engine(), sys.executable, "-m", "monorepo", "new"]
    return _named(command, root, f"{area}/x")


def _cookiecutter(lab: Lab, root: Path, area: str, out: Path) -> Job:
    """Return the job of rendering a copy of the sub-template, whose defaults are the values.

    cookiecutter takes no value on the command line that cookiecutter.json does not ask for.
    """
    template = _subtemplate(area, lab.folder / "for-cookiecutter")
    file = template / "cookiecutter.json"
    questions = json.loads(file.read_text())
    settings = {"_extensions": [ESCAPES], "_jinja2_env_vars": JINJA}
    numbers = count()

    def answer() -> None:
        values = _values(root, area, f"x{next(numbers)}")
        file.write_text(json.dumps({**settings, **values, **questions}))

    words = ["cookiecutter", "--no-input", "--default-config", "--output-dir", str(out)]
    return Job([*_with_engine(), *words, str(template)], lab.folder, answer)


def _copier(lab: Lab, root: Path, area: str, out: Path) -> Job:
    """Return the job of rendering the files of the sub-template with copier."""
    template = _subtemplate(area, lab.folder / "for-copier")
    (template / "cookiecutter.json").unlink()
    settings = {"_jinja_extensions": [ESCAPES], "_envops": JINJA, "_templates_suffix": ""}
    numbers = count()

    def answer() -> None:
        name = f"x{next(numbers)}"
        values = {**_values(root, area, name), "title": name.capitalize()}
        question = {"type": "json", "default": json.dumps(values)}
        # JSON is YAML.
        (template / "copier.yml").write_text(json.dumps({**settings, "cookiecutter": question}))

    words = ["copier", "copy", "--trust", "--defaults", "--quiet", str(template), str(out)]
    return Job([*_with_engine(), *words], lab.folder, answer)


def _subtemplate(area: str, folder: Path) -> Path:
    """Return a copy, in `folder`, of the sub-template for an area."""
    kind = area.replace("/", "-")
    return Path(shutil.copytree(OURS / kind, folder / kind))


def _values(root: Path, area: str, name: str) -> dict[str, Any]:
    """Return what the sub-template is told about a package."""
    facts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["monorepo"]
    plain = ("namespace", "license", "author-name", "author-email", "python")
    return {
        **{key.replace("-", "_"): facts[key] for key in plain},
        "path": f"{area}/{name}",
        "name": name,
        "distribution": f"{facts['namespace']}-{name}",
        "import_name": f"{facts['namespace']}_{name}",
        "npm_name": f"@{facts['namespace']}/{name}",
        # None. cookiecutter takes a list for a choice, which must not be empty.
        "dependencies": {},
    }


def _nx(lab: Lab) -> list[Job]:
    """Return the job of generating a library with nx, or none where there is no npm."""
    if not shutil.which("npm"):
        print("no npm here: nx is left out", file=sys.stderr)
        return []
    workspace = lab.folder / "nx"
    workspace.mkdir()
    (workspace / "package.json").write_text('{"name": "nx-workspace", "private": true}\n')
    (workspace / "nx.json").write_text("{}\n")
    lab.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *NX], workspace)
    generate = ["node_modules/.bin/nx", "generate", "@nx/js:library", *NX_LIBRARY]
    # No process stays behind.
    return [_named(["env", "NX_DAEMON=false", *generate], workspace, "shared/js/x")]


def _files(folder: Path) -> dict[str, str]:
    """Return the contents of a folder, by path, without what a package records of its origin."""
    found = (path for path in folder.rglob("*") if path.is_file())
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}
    for name, text in texts.items():
        if name == "pyproject.toml":
            texts[name] = text.partition("\n# What this package was made from.")[0].rstrip()
        elif name == "package.json":
            manifest = json.loads(text)
            manifest.get("monorepo", {}).pop("template", None)
            manifest = {key: value for key, value in manifest.items() if value != {}}
            texts[name] = json.dumps(manifest)
    return texts


if __name__ == "__main__":
    main(__doc__, measure)
