"""What it costs to make a monorepo, and to run a task in all of its packages."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import Job, Lab, Row, main, remover

MANY = [f"shared/py/p{number:03}" for number in range(100)]


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    yield from new(lab)
    yield from plain(lab)
    many = lab.bake("many", f"packages={' '.join(MANY)}")
    lab.run(["make", "install"], many)
    yield from fan_out(lab, many)
    yield from checks(lab, many)


def new(lab: Lab) -> Iterator[Row]:
    """`make new` does more than cookiecutter: it also checks, and renders aside."""
    # Its environment is this one, and set up.
    (lab.template / ".venv").mkdir()
    (lab.template / ".venv/new.stamp").touch()
    ours, theirs = lab.folder / "ours", lab.folder / "theirs"
    ours.mkdir()
    words = [f"BIN={Path(sys.executable).parent}", f"OUT={ours}"]
    command = ["make", "new", *words, "ANSWERS=--no-input --default-config"]
    made, baked = lab.compare(
        Job(command, lab.template, remover(ours / "acme-platform")),
        Job(_cookiecutter(lab.template, theirs), lab.folder, remover(theirs)),
    )
    yield Row("make new", made, "cookiecutter, this template", baked, goal=1)


def plain(lab: Lab) -> Iterator[Row]:
    """This template, and one that makes as many files of the same sizes and is nothing else."""
    files = _made(lab.bake("sample"))
    for_cookiecutter = _plain_cookiecutter(lab.folder / "plain-cookiecutter", files)
    for_copier = _plain_copier(lab.folder / "plain-copier", files)
    outs = [lab.folder / f"out-{number}" for number in range(3)]
    copier = ["copier", "copy", "--defaults", "--quiet", str(for_copier), str(outs[2])]
    ours, cookiecutter, copied = lab.compare(
        Job(_cookiecutter(lab.template, outs[0]), lab.folder, remover(outs[0])),
        Job(_cookiecutter(for_cookiecutter, outs[1]), lab.folder, remover(outs[1])),
        Job(copier, lab.folder, remover(outs[2])),
    )
    what = f"{len(files)} plain files"
    yield Row("cookiecutter, this template", ours, f"cookiecutter, {what}", cookiecutter, goal=2)
    yield Row("cookiecutter, this template", ours, f"copier, {what}", copied, goal=2)


def _cookiecutter(template: Path, out: Path) -> list[str]:
    """Return the command that makes what a template makes by default, in `out`."""
    command = ["cookiecutter", "--no-input", "--default-config", "--output-dir"]
    return [*command, str(out), str(template)]


def _made(project: Path) -> dict[str, int]:
    """Return the sizes of a monorepo's files, by paths that no template engine minds."""
    files = (path for path in project.rglob("*") if path.is_file())
    sizes = {path.relative_to(project).as_posix(): path.stat().st_size for path in files}
    return {
        path.replace("{{", "").replace("}}", ""): size
        for path, size in sizes.items()
        if not path.startswith(".git/")
    }


def _is_copied(path: str) -> bool:
    """Tell whether this template copies a file as it is; it renders all others."""
    return path.startswith("tools/")


def _plain_cookiecutter(template: Path, files: dict[str, int]) -> Path:
    """Make a template for cookiecutter with these files."""
    project = template / "{{cookiecutter.name}}"
    for path, size in files.items():
        _write(project / path, size, "" if _is_copied(path) else "{{ cookiecutter.name }}")
    questions = {"name": "plain", "_copy_without_render": ["tools/*"]}
    (template / "cookiecutter.json").write_text(json.dumps(questions))
    return template


def _plain_copier(template: Path, files: dict[str, int]) -> Path:
    """Make a template for copier, which renders files that are called so, with these files."""
    for path, size in files.items():
        if _is_copied(path):
            _write(template / path, size, "")
        else:
            _write(template / f"{path}.jinja", size, "{{ name }}")
    (template / "copier.yml").write_text("name: plain\n")
    return template


def _write(file: Path, size: int, markup: str) -> None:
    """Write a file of some size that starts with `markup`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = "some words that nobody reads, forty bytes\n"
    file.write_text(markup + (line * (size // len(line) + 1))[: max(0, size - len(markup))])


def fan_out(lab: Lab, project: Path) -> Iterator[Row]:
    """A task of 0.1 s in each package; it sleeps, so that other work here matters less."""
    for path in MANY:
        (project / path / "Makefile").write_text("test:\n\t@sleep 0.1\n")
    each = f"printf '%s\\n' {' '.join(MANY)} | xargs -P{os.cpu_count()} -I@ make -s -C @ test"
    ours, theirs = lab.compare(
        Job(["make", "test", f"PKG={' '.join(MANY)}"], project),
        Job(["sh", "-c", each], project),
    )
    yield Row(
        "make test, 100 packages of 0.1 s",
        ours,
        "xargs make",
        theirs,
        goal=1.1,
        measure="wall ratio",
    )


def checks(lab: Lab, project: Path) -> Iterator[Row]:
    """`make lint type-check`, and one ruff and one mypy over the same files."""
    sources = ":".join(f"{path}/src" for path in MANY)
    # mypy takes tests of the same name in several packages for one module unless told like this.
    mypy = "mypy --explicit-package-bases --cache-dir=.by-hand shared/py"
    by_hand = (
        'export PATH="$PWD/.venv/bin:$PATH"; ruff check . && ruff format --check . && '
        f"MYPYPATH={sources} {mypy}"
    )
    ours, theirs = ["make", "lint", "type-check"], ["sh", "-c", by_hand]
    costs = lab.compare(
        Job(ours, project, remover(project / ".mypy_cache")),
        Job(ours, project),
        Job(theirs, project, remover(project / ".by-hand")),
        Job(theirs, project),
    )
    what = "make lint type-check, 100 packages"
    yield Row(f"{what}, cold", costs[0], "ruff and mypy by hand, cold", costs[2], goal=1.3)
    yield Row(f"{what}, warm", costs[1], "ruff and mypy by hand, warm", costs[3], goal=1.3)


if __name__ == "__main__":
    main(__doc__, measure)
