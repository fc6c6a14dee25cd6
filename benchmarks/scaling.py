"""What it costs to ask what a change affects, here and of the engines that `make export` is for.

All answer in the same repository, of 10, 100 and 1,000 packages, after an edit of one leaf; with
5,000, we do alone. The packages have the graph of benchmarks/peers.py and nothing to run.

    python -m benchmarks.scaling --format json > scaling.json
    python -m benchmarks.growth scaling.json > docs/scaling.svg
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.measuring import Job, Lab, Row, main
from benchmarks.peers import name, needs

COUNTS = (10, 100, 1000)
ALONE = 5000
OURS = ("make", "affected", "BASE=main")
ENGINES = {
    "mise": ("run", "--affected", "--affected-base=main", "--affected-json", "test"),
    "moon": ("query", "affected", "--downstream=deep"),
    "nx": ("affected", "--base=main", "--targets=test", "--graph=stdout"),
}
MANIFEST = """\
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"

[project]
name = "acme-{name}"
version = "0.1.0"
requires-python = ">=3.11"
classifiers = ["Private :: Do Not Upload"]
dependencies = [{needs}]
"""


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    lab, programs = peers.install(lab)
    found = {engine: words for engine, words in ENGINES.items() if engine in programs}
    # Where it looks for itself, and where moon looks for what to compare with.
    (lab.folder / "node_modules").symlink_to(lab.folder / "peers/node_modules")
    compared = ["env", "MOON_BASE=main", "MOON_HEAD=HEAD"]
    costs = {}
    for count in (*COUNTS, ALONE):
        root = repository(lab, count)
        jobs = [Job(OURS, root), Job(("make", "export", "CHECK=1"), root)]
        if count != ALONE:
            jobs += [
                Job([*compared, str(programs[engine]), *words], root)
                for engine, words in found.items()
            ]
        ours, checked, *theirs = lab.compare(*jobs)
        costs[count] = ours
        what = f"make affected, {count:,} packages"
        yield Row(what, ours, "make export CHECK=1", checked, count=count)
        for (engine, words), cost in zip(found.items(), theirs, strict=False):
            yield Row(what, ours, f"{engine} {words[0]}", cost, count=count)
    grown = f"make affected, {COUNTS[-1]:,} packages"
    yield Row(f"make affected, {ALONE:,} packages", costs[ALONE], grown, costs[COUNTS[-1]], goal=5)


def repository(lab: Lab, count: int) -> Path:
    """Make a monorepo of so many packages, exported to all engines, with an edit of a leaf."""
    root = lab.bake(f"scaling-{count}", "packages=shared/py/p0000")
    for number in range(count):
        folder = root / "shared/py" / name(number)
        module = folder / "src" / f"acme_{name(number)}/__init__.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text('"""A module."""\n', encoding="utf-8")
        needed = ", ".join(f'"acme-{name(other)}"' for other in needs(number))
        text = MANIFEST.format(name=name(number), needs=needed)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        makefile = "include ../../../tools/make/py.mk\n"
        (folder / "Makefile").write_text(makefile, encoding="utf-8")
    lab.run(["make", "setup"], root)
    lab.run(["make", "export", f"TO={' '.join(ENGINES)}"], root)
    peers.commit(lab, root)
    lab.run(["git", "checkout", "--quiet", "-b", "change"], root)
    with (root / f"shared/py/{name(count - 1)}/src/acme_{name(count - 1)}/__init__.py").open(
        "a"
    ) as leaf:
        leaf.write("\n# An edit.\n")
    peers.commit(lab, root)
    return root


if __name__ == "__main__":
    main(__doc__, measure)
