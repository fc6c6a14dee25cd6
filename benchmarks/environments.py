"""What it costs to make environments, to run something in them, and to build what ships them."""

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import Cost, Job, Lab, Row, main, remover

SERVICE = "services/py/api"
PYTHON_ONLY = f"packages=shared/py/core {SERVICE}"


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    yield from install(lab)
    yield from install_with_javascript(lab)


def install(lab: Lab) -> Iterator[Row]:
    """The same packages with the same pins, as a monorepo of ours and as a workspace of uv."""
    ours = lab.bake("python-only", PYTHON_ONLY)
    theirs = _uv_workspace(lab, ours)
    sync = _uv_sync()
    made, synced = lab.compare(
        Job(["make", "install"], ours, remover(ours / ".venv")),
        Job(sync, theirs, remover(theirs / ".venv")),
    )
    _same(ours, theirs)
    yield Row("make install, Python only, warm", made, "uv sync", synced, goal=1.5)
    made, synced = lab.compare(Job(["make", "install"], ours), Job(sync, theirs))
    again = "make install, Python only, nothing to do"
    yield Row(again, made, "uv sync", synced, goal=0.1, measure="wall seconds")
    yield from by_pip(lab, ours)
    yield from run(lab, ours)
    yield from doctor(lab, ours)
    yield from wheels(lab, ours, theirs)


def by_pip(lab: Lab, project: Path) -> Iterator[Row]:
    """The commands of plain pip that `make install PRINT=1` shows for the same environment."""
    shown = subprocess.check_output(
        ["make", "install", "PRINT=1"], cwd=project, env=lab.env, text=True
    )
    pip = shown.partition("# With pip alone")[2].partition("\n")[2]
    made, piped = lab.compare(
        Job(["make", "install"], project, remover(project / ".venv")),
        Job(["sh", "-ec", pip], project, remover(project / ".venv")),
    )
    what = "make install, Python only, warm"
    yield Row(what, made, "plain pip", piped, goal=0.2, measure="wall ratio")
    lab.run(["make", "install"], project)


def run(lab: Lab, project: Path) -> Iterator[Row]:
    """A module that does nothing, in the environment that belongs to it."""
    (project / "nothing.py").touch()
    ours, theirs = lab.compare(
        Job(["./run", "nothing.py"], project),
        Job([".venv/bin/python", "nothing.py"], project),
    )
    beyond = Cost(ours.cpu - theirs.cpu, ours.wall - theirs.wall)
    what = "./run, beyond Python itself"
    yield Row(what, beyond, "Python itself", theirs, goal=0.06, measure="wall seconds")


def doctor(lab: Lab, project: Path) -> Iterator[Row]:
    """A look at a checkout that is in order; uv looks at requirements of what is installed."""
    ours, theirs = lab.compare(
        Job(["make", "doctor"], project),
        Job(["uv", "pip", "check", "--quiet"], project),
    )
    yield Row("make doctor", ours, "uv pip check", theirs, goal=1, measure="wall seconds")


def wheels(lab: Lab, project: Path, workspace: Path) -> Iterator[Row]:
    """A bundle has wheels of third parties as well, and is checked to be closed."""
    ours, theirs = lab.compare(
        Job(["make", "bundle", f"PKG={SERVICE}"], project),
        Job(["uv", "build", "--quiet", "--all-packages", "--wheel"], workspace),
    )
    yield Row("make bundle, one service of two packages", ours, "uv build --all-packages", theirs)


def install_with_javascript(lab: Lab) -> Iterator[Row]:
    """The default monorepo, and what one would type to get the same."""
    ours = lab.bake("default")
    theirs = _uv_workspace(lab, ours)
    pnpm = json.loads((ours / "package.json").read_text())["packageManager"].partition("+")[0]
    by_hand = " && ".join(
        [
            shlex.join(_uv_sync()),
            'export PATH="$PWD/.venv/bin:$PATH"',
            f"npm install --global --silent --no-audit --no-fund --prefix .venv {pnpm}",
            "pnpm install --frozen-lockfile",
        ]
    )
    peer = "uv sync, npm install pnpm, pnpm install"
    made, synced = lab.compare(
        Job(["make", "install"], ours, remover(ours / ".venv", ours / "node_modules")),
        Job(["sh", "-c", by_hand], theirs, remover(theirs / ".venv", theirs / "node_modules")),
    )
    _same(ours, theirs)
    yield Row("make install, default, warm", made, peer, synced, goal=1.5)
    peer = "uv sync, pnpm install"
    nothing = f'{shlex.join(_uv_sync())} && PATH="$PWD/.venv/bin:$PATH" pnpm install'
    made, synced = lab.compare(Job(["make", "install"], ours), Job(["sh", "-c", nothing], theirs))
    again = "make install, default, nothing to do"
    yield Row(again, made, peer, synced, goal=0.1, measure="wall seconds")


def _uv_sync() -> list[str]:
    """Return the command that installs all members of a workspace, their extras and groups."""
    every = ["--all-packages", "--all-extras", "--all-groups"]
    # Groups of the root, for which our commands have environments of their own.
    apart = ["--no-group", "audit", "--no-group", "release", "--no-group", "sbom"]
    return ["uv", "sync", *every, *apart, "--python", sys.executable]


def _uv_workspace(lab: Lab, project: Path) -> Path:
    """Return a copy of a monorepo as a workspace of uv, locked to the same versions."""
    copy = project.with_name("uv-workspace")
    shutil.copytree(project, copy)
    members = [manifest.parent for manifest in sorted(copy.glob("s*/py/*/pyproject.toml"))]
    (engine,) = (copy / "tools").glob("*.whl")
    pins = [line for line in (copy / "constraints.txt").read_text().splitlines() if "==" in line]
    lines = [
        "[tool.uv]",
        f"constraint-dependencies = {json.dumps(pins)}",
        f"build-constraint-dependencies = {json.dumps(pins)}",
        "[tool.uv.workspace]",
        f"members = {json.dumps([str(member.relative_to(copy)) for member in members])}",
        "[tool.uv.sources]",
        f"cookiecutter-monorepo = {{ path = {str(engine.relative_to(copy))!r} }}",
    ]
    for member in members:
        name = tomllib.loads((member / "pyproject.toml").read_text())["project"]["name"]
        lines.append(f"{name} = {{ workspace = true }}")
    root = (copy / "pyproject.toml").read_text()
    root = root.replace("\ndev = [\n", '\ndev = [\n    "cookiecutter-monorepo",\n', 1)
    (copy / "pyproject.toml").write_text(f"{root}\n" + "\n".join(lines) + "\n")
    lab.run(["uv", "lock", "--python", sys.executable], copy)
    return copy


def _same(ours: Path, theirs: Path) -> None:
    """End the program if the environments are not the same: their costs would say nothing."""
    pattern = ".venv/lib/python*/site-packages/*.dist-info"
    mine, other = ({path.name for path in place.glob(pattern)} for place in (ours, theirs))
    if mine != other:
        sys.exit(f"benchmarks: the environments differ: {sorted(mine ^ other)}")


if __name__ == "__main__":
    main(__doc__, measure)
