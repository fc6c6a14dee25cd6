"""`make lock`: refresh the pins that every new monorepo starts with.

A monorepo's pins depend on the answers, and creating one needs no network. So this resolves the
lock of each relevant combination with the generated tooling itself. Their union becomes the
template of constraints.txt, with a condition for each pin. tools/hashes.txt has the hashes of all
pins; a new monorepo keeps those of its own. tools/lowest.txt has what is recorded of the
sub-templates, for each Python version.
"""

import itertools
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.hashes import HASHES, PINS
from monorepo.locking import lowest
from monorepo.locking.lowest import LOWEST, Record
from monorepo.programs import pnpm
from monorepo.scaffold import answers, creation
from monorepo.system import text_files
from monorepo.system.subprocesses import run
from monorepo.templating import template
from monorepo.upgrading import alignment

TREE = template.tree()
NODE_PINS = "tools/pnpm-lock.yaml"
MANIFEST = "package.json"
CATALOG = "pnpm-workspace.yaml"

# Fulfilled by an answer, and by no package.
MANIFESTS = 'cookiecutter.manifests == "edn"'
# What pins depend on besides the Python version: conditions, and packages that fulfil them.
FEATURES = {
    "cookiecutter.__python": "shared/py/core",
    "cookiecutter.__python and cookiecutter.__services": "services/py/api",
    "cookiecutter.__javascript": "shared/js/core",
    MANIFESTS: "",
}
FLOORS: Sequence[str] = answers.QUESTIONS["python_version"]

Combination = tuple[str, tuple[str, ...]]


def main() -> None:
    """Refresh the template's pins; the names in UPGRADE are upgraded."""
    upgrade = os.environ.get("UPGRADE", "")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        everything = (FLOORS[0], tuple(FEATURES))
        first = bake(out / "first", *everything)
        run(["make", "setup"], first)
        lock(first, first, upgrade)
        found = {everything: pins(first)}
        recorded: dict[str, list[str]] = {}
        required: dict[str, set[str]] = {}
        floors: dict[str, Record] = {floor: {} for floor in FLOORS}
        for floor in FLOORS:
            for chosen in subsets(tuple(FEATURES)):
                folder = out / f"{floor}-{len(found)}"
                other = bake(folder, floor, chosen)
                for path in (PINS, HASHES):
                    (other / path).write_bytes((first / path).read_bytes())
                (other / ".venv").symlink_to(first / ".venv")
                lock(first, other, "")
                found[floor, chosen] = pins(other)
                add_lowest(floors[floor], other)
                text = text_files.read(other, HASHES)
                recorded |= hashes.parse(text)
                for pin, names in hashes.notes(text, hashes.REQUIRES).items():
                    required.setdefault(pin, set()).update(names)
        head = "".join(
            line
            for line in (first / PINS).read_text(encoding="utf-8").splitlines(keepends=True)
            if line.startswith("#")
        )
        (TREE / PINS).write_text(head + merged(found), encoding="utf-8")
        ordered = sorted(recorded, key=order)
        text = hashes.render({pin: recorded[pin] for pin in ordered}, required)
        (TREE / HASHES).write_text(text, encoding="utf-8")
        (TREE / LOWEST).write_text(conditional(floors), encoding="utf-8")
        (TREE / NODE_PINS).write_bytes((first / NODE_PINS).read_bytes())
        (TREE / MANIFEST).write_text(with_pnpm(TREE / MANIFEST, first / MANIFEST), "utf-8")
        (TREE / CATALOG).write_text(with_catalog(TREE / CATALOG, first / CATALOG), encoding="utf-8")


def bake(out: Path, floor: str, features: Sequence[str]) -> Path:
    """Make a monorepo with these features below `out`, without packages.

    Its sub-templates are what is locked: a package could not be made of one whose dependencies are
    not pinned yet.
    """
    out.mkdir()
    packages = " ".join(FEATURES[feature] for feature in features)
    # What apps need alone is pinned for the sub-templates of a repository that has one.
    if "cookiecutter.__python" in features:
        packages += " apps/py/report"
    if "cookiecutter.__javascript" in features:
        packages += " apps/js/site"
    if "cookiecutter.__javascript" in features and {*features} >= FEATURES.keys() - {MANIFESTS}:
        packages += " services/js/web"
    given = [f"python_version={floor}", f"packages={packages}"]
    given += ["manifests=edn"] if MANIFESTS in features else []
    words = ["--no-input", "--default-config", *given]
    return creation.make(out, {**creation.collect(words, out), "packages": ""})


def lock(first: Path, root: Path, upgrade: str) -> None:
    """Update the pins of the monorepo at `root`, with the tools of the first one."""
    python = first / ".venv/bin/python"
    command = [python, "-m", "monorepo", "--root", root, "lock", f"--upgrade={upgrade}"]
    # Print the table of changed pins only once.
    stdout = None if root == first else subprocess.DEVNULL
    subprocess.run([str(word) for word in command], cwd=root, stdout=stdout, check=True)


def pins(root: Path) -> list[str]:
    """Return the pins of the monorepo at `root`."""
    lines = (root / PINS).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def add_lowest(found: Record, root: Path) -> None:
    """Add to `found` what the monorepo at `root` records of the lowest versions of sub-templates.

    Raises:
        ValueError: another monorepo with this Python version records something else.
    """
    if not (root / LOWEST).exists():
        return
    for label, entry in lowest.parse(text_files.read(root, LOWEST)).items():
        if lowest.is_template(label) and found.setdefault(label, entry) != entry:
            raise ValueError(f"{LOWEST}: {label}: depends on more than the Python version")


def conditional(floors: Mapping[str, Record]) -> str:
    """Return the lowest versions for each Python version, under its condition."""
    return "".join(
        f'<% if cookiecutter.python_version == "{floor}" %>\n{lowest.render(record)}<% endif %>\n'
        for floor, record in floors.items()
    )


def with_catalog(template: Path, made: Path) -> str:
    """Return the text of `template` with the versions of the catalog of `made`."""
    return alignment.with_pins(
        CATALOG, template.read_text(encoding="utf-8"), made.read_text(encoding="utf-8")
    )


def with_pnpm(template: Path, made: Path) -> str:
    """Return the text of `template` with the pnpm that `made` pins."""
    pinned = pnpm.read(made.read_text(encoding="utf-8"))
    return pnpm.written(template.read_text(encoding="utf-8"), pinned)


def subsets(features: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return every combination of features that a monorepo can have, which has packages."""
    sizes = range(1, len(features) + 1)
    every = (chosen for size in sizes for chosen in itertools.combinations(features, size))
    return [
        chosen
        for chosen in every
        if all(set(implied(feature)) <= set(chosen) for feature in chosen)
        and any(FEATURES[feature] for feature in chosen)
    ]


def implied(feature: str) -> list[str]:
    """Return the features that a feature implies."""
    return [other for other in FEATURES if feature.startswith(f"{other} and ")]


def merged(found: Mapping[Combination, Sequence[str]]) -> str:
    """Return all pins, each under its condition."""
    lines = {line for pinned in found.values() for line in pinned}
    text = ""
    ordered = sorted(lines, key=order)
    for wanted, group in itertools.groupby(ordered, lambda line: condition(line, found)):
        pinned = "".join(f"{line}\n" for line in group)
        text += f"<% if {wanted} %>\n{pinned}<% endif %>\n" if wanted else pinned
    return text


def order(line: str) -> tuple[str, str]:
    """Return the sort key of a pin: its name, as in uv."""
    return line.partition("==")[0], line


def condition(line: str, found: Mapping[Combination, Sequence[str]]) -> str:
    """Return the condition, as a template expression, under which `line` is a pin.

    Raises:
        ValueError: it depends on more than the Python version and features.
    """
    where = {combination for combination, pinned in found.items() if line in pinned}
    if (term := _all_of(where, {*found})) is not None:
        return term
    for feature in reversed(FEATURES):
        having = {one for one in found if feature in one[1]}
        if having <= where and (term := _all_of(where - having, found.keys() - having)):
            return f"{term} or {feature}"
    raise ValueError(f"{line}: no simple condition matches where it is pinned: {sorted(where)}")


def _all_of(where: set[Combination], among: set[Combination]) -> str | None:
    """Return what tells some combinations apart from others: features that all or none have.

    Args:
        where: the combinations.
        among: these, and the others.

    Returns:
        The condition; None if there is none.
    """
    needed = {feature for feature in FEATURES if all(feature in features for _, features in where)}
    absent = {
        feature for feature in FEATURES if not any(feature in features for _, features in where)
    }
    floors = [floor for floor in FLOORS if any(floor == other for other, _ in where)]
    expected = {
        combination
        for combination in among
        if combination[0] in floors and needed <= {*combination[1]}
    }
    without = {combination for combination in expected if absent.isdisjoint(combination[1])}
    if where not in (expected, without):
        return None
    # A stronger condition implies the weaker ones.
    weaker = {less for feature in needed for less in implied(feature)}
    terms = [feature for feature in FEATURES if feature in needed - weaker]
    if where != expected:
        gone = [
            feature
            for feature in FEATURES
            if feature in absent and absent.isdisjoint(implied(feature))
        ]
        terms += [f"not ({feature})" if " " in feature else f"not {feature}" for feature in gone]
    if len(floors) < len(FLOORS):
        terms.append(f"cookiecutter.python_version in {floors}".replace("'", '"'))
    return " and ".join(terms)


if __name__ == "__main__":
    main()
