"""What nox costs beyond what it runs, for 10 and for 100 packages whose environments are ready.

The task of each package does nothing. A plain loop makes the same targets; tox, with uv, has an
environment for each package as well and makes them there. What builds the packages is no part of
what is measured: setuptools would take minutes for all these environments.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import Cost, Job, Lab, Row, main

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
BACKEND = """\
import pathlib, tomllib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]["name"]
    stem = name.replace("-", "_") + "-0.1.0"
    texts = {
        "METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 0.1.0\\n",
        "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(folder, stem + "-py3-none-any.whl"), "w") as wheel:
        for file, text in texts.items():
            wheel.writestr(f"{stem}.dist-info/{file}", text)
    return stem + "-py3-none-any.whl"

build_editable = build_wheel
"""
SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n\n'
EMPTY = "import nox\n\n@nox.session\ndef nothing(session):\n    pass\n"


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    empty = lab.folder / "empty"
    empty.mkdir()
    (empty / "noxfile.py").write_text(EMPTY)
    for size in (10, 100):
        yield from sessions(lab, empty, size)


def sessions(lab: Lab, empty: Path, size: int) -> Iterator[Row]:
    """A monorepo of some Python packages."""
    paths = [f"shared/py/p{number:03}" for number in range(size)]
    root = lab.bake(f"of-{size}", f"packages={' '.join(paths)}")
    lab.run(["make", "setup"], root)
    for path in paths:
        (root / path / "Makefile").write_text("test:\n\t@:\n")
        (root / path / "backend.py").write_text(BACKEND)
        manifest = (root / path / "pyproject.toml").read_text()
        manifest = re.sub(r"(?s)^\[build-system\].*?(?=\[project\])", SYSTEM, manifest)
        (root / path / "pyproject.toml").write_text(manifest)
    (root / "tox.ini").write_text(_tox(paths))
    nox = [str(root / ".venv/bin/nox")]
    each = " && ".join(f"make -s -C {path} test" for path in paths)
    names = [f"test-{VERSION}({path})" for path in paths]
    ours, loop, tox, listed, nothing = lab.compare(
        Job([*nox, "-s", *names], root),
        Job(["sh", "-c", each], root),
        Job(["tox", "run", "-q"], root),
        Job([*nox, "-l"], root),
        Job([*nox, "-l"], empty),
    )
    what = f"{size} packages"
    yield Row(f"nox, {what}", ours, "tox, tox-uv", tox)
    yield Row(f"nox, {what}", ours, "a loop of make", loop)
    # What is left is ours: the sessions, without what they run and without nox's own start.
    cpu = (ours.cpu - loop.cpu - nothing.cpu) / size
    own = Cost(cpu, (ours.wall - loop.wall - nothing.wall) / size)
    each_of = Cost(loop.cpu / size, loop.wall / size)
    row = Row(f"nox, {what}, of it ours for each", own, "make, for each", each_of)
    yield replace(row, goal=0.01, measure="CPU seconds")
    yield Row(f"nox -l, {what}", listed, "nox -l, empty noxfile", nothing, goal=2)


def _tox(paths: list[str]) -> str:
    """Return the configuration of tox that does the same for these packages."""
    names = [path.rpartition("/")[2] for path in paths]
    lines = ["[tox]", f"env_list = {','.join(names)}", "no_package = true"]
    for path, name in zip(paths, names, strict=True):
        lines += [
            f"[testenv:{name}]",
            f"deps = -c constraints.txt\n    -e ./{path}\n    pytest>=9.0\n    pytest-cov>=7.0",
            "allowlist_externals = make",
            f"commands = make -s -C {path} test",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(__doc__, measure)
