"""Each file, broken in each way, and each verb that only looks: nothing stops that can go on.

No verb ends with a traceback, the file is named, and the rules still find what is wrong elsewhere.
Of the files that configure or tell a tool something, each is broken, in one way; of all others, a
sample. With FAULTS=all in the environment, all of them in every way.
"""

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import catalog
from monorepo.parsing import data_formats as data_of
from monorepo.syncing import derive
from monorepo.system.text_files import MalformedError
from tests.template import baking
from tests.template.faults import Outcome, Run, Victim

ALL = os.environ.get("FAULTS") == "all"
# Nobody needs it, and it needs nobody.
OTHER = "shared/py/service"
PY, JS = "shared/py/core", "shared/js/core"
MANIFESTS = [
    f"{PY}/pyproject.toml",
    f"{JS}/package.json",
    "services/py/api/pyproject.toml",
    "services/js/web/package.json",
]
# What some tool of this repository is configured or told by.
CONFIGURATION = [
    ".github/workflows/ci.yml",
    ".pre-commit-config.yaml",
    ".schemas/structure.yaml",
    "biome.json",
    "constraints.txt",
    "guard-baseline.json",
    "noxfile.py",
    "package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "pyproject.toml",
    f"{JS}/tsconfig.build.json",
    f"{JS}/tsconfig.json",
    f"{PY}/noxfile.py",
    f"{PY}/package.edn",
    "tools/hashes.txt",
    "tools/pnpm-lock.yaml",
    "tools/requirements.txt",
    "tools/templates/shared-js/{{cookiecutter.name}}/package.json",
    "tools/templates/shared-py/cookiecutter.json",
    "tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml",
    "tsconfig.base.json",
    "tsconfig.json",
]
OTHERS = [
    ".github/dependabot.yml",
    ".gitignore",
    ".venv/guard-cache.json",
    ".venv/monorepo.json",
    "Makefile",
    "README.md",
    "node_modules/monorepo.json",
    f"{JS}/src/index.ts",
    f"{PY}/Makefile",
    f"{PY}/src/acme_core/__init__.py",
]
FILES = [*MANIFESTS, *CONFIGURATION, *OTHERS]
# What is wrong elsewhere: an id and its path. One rule cannot do without its own file.
ELSEWHERE = {
    "structure.misplaced": "misc",
    "pins.unpinned": f"{OTHER}/Dockerfile",
    "python.version": f"{OTHER}/Dockerfile",
    "declared.missing": f"{OTHER}/src/acme_service/more.py",
}
WRONG = {
    "misc/more.txt": "",
    f"{OTHER}/Dockerfile": "FROM python:3.9\nRUN pip install httpx\n",
    f"{OTHER}/src/acme_service/more.py": '"""Import a stranger."""\n\nimport scipy\n',
}
OWN = {
    ".schemas/structure.yaml": "structure.misplaced",
    f"{OTHER}/pyproject.toml": "declared.missing",
}
# Without these, there is no repository.
ROOT = {"pyproject.toml", "tools/requirements.txt"}


def _cut(name: str, data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(1, max(2, len(data)))]


def _inserted(data: bytes, more: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + more + data[at:]


def _conflict(name: str, data: bytes, dice: random.Random) -> bytes:
    rows = data.split(b"\n")
    at = dice.randrange(len(rows))
    theirs = [b"<<<<<<< HEAD", *rows[at : at + 2], b"=======", b"x", b">>>>>>> other"]
    return b"\n".join([*rows[:at], *theirs, *rows[at + 2 :]])


def _other_types(name: str, data: bytes, dice: random.Random) -> bytes:
    """Return the file with other values, as valid as before."""
    text = data.decode()
    if name.endswith(".json"):
        try:
            found = data_of.with_comments(text)
        except MalformedError:
            # A list, or what becomes JSON when it is rendered.
            return b'{"name": 1, "scripts": []}'
        values: list[object] = [1, None, [], "x", [1], {"a": 1}, True, {"a": {"b": [1]}}]
        return json.dumps(
            dict.fromkeys(found) | {key: dice.choice(values) for key in found}
        ).encode()
    scalars = ["1", "[]", "{}", "true", "[1]", "1979-01-01", "''"]
    sign = ":" if name.endswith((".yaml", ".yml")) else " ="
    pattern = rf'(?m)^( *[\w"@/-]+{sign} ).+$(?:\n +.*)*(?:\n\])?'
    return re.sub(pattern, lambda found: found[1] + dice.choice(scalars), text).encode()


def _twice(name: str, data: bytes, dice: random.Random) -> bytes:
    if name.endswith(".json"):
        return data.replace(b"{", b'{"name": "x", "name": "x", ', 1)
    return data + b"\n" + data


def _of_kind(json: bytes, toml: bytes, other: bytes) -> "Corrupt":
    def corrupt(name: str, data: bytes, dice: random.Random) -> bytes:
        return json if name.endswith(".json") else toml if name.endswith(".toml") else other

    return corrupt


Corrupt = Callable[[str, bytes, random.Random], bytes]
NINES = b"9" * 5000
CORRUPTIONS: dict[str, Corrupt] = {
    "empty": lambda name, data, dice: b"",
    "cut": _cut,
    "cut elsewhere": _cut,
    "conflict": _conflict,
    "no UTF-8": lambda name, data, dice: _inserted(data, b"\xff", dice),
    "null byte": lambda name, data, dice: _inserted(data, b"\0", dice),
    "byte order mark": lambda name, data, dice: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda name, data, dice: data.decode().encode("utf-16"),
    "CRLF": lambda name, data, dice: data.replace(b"\n", b"\r\n"),
    "list": lambda name, data, dice: b'[1, {"a": []}]\n',
    "number": lambda name, data, dice: b"42\n",
    "other types": _other_types,
    "twice": _twice,
    "deep": _of_kind(b'{"name": ' * 3000, b"x = " + b"[" * 3000, b"- " * 3000 + b"a"),
    "long line": lambda name, data, dice: data.rstrip() + b" " * 1_000_001 + b"\n",
    "half a character": lambda name, data, dice: data.replace(b'"', b'"\\ud800', 3),
    "huge number": _of_kind(b'{"name": ' + NINES + b"}", b"x = " + NINES, b"x: " + NINES),
}
PLACES: dict[str, Callable[[Path], object]] = {
    "folder": lambda file: file.mkdir(),
    "dangling link": lambda file: file.symlink_to("nowhere"),
    "deleted": lambda file: None,
}
KINDS = [*CORRUPTIONS, *PLACES]
# No format takes these; of a requirements file or a Python file, some.
BROKEN = {"conflict", "no UTF-8", "null byte", "UTF-16", "list", "number", "deep", "huge number"}
# Of the files that no tool is configured by.
SOME = ["empty", "cut", "conflict", "no UTF-8", "null byte"]
PARTS = 8
SOURCES = (".py", ".ts", ".tsx", ".sh", ".mk", ".yml", ".yaml", "Makefile")
VERBS = [
    ["list"],
    ["graph"],
    ["affected", "--base", "HEAD"],
    ["hash", OTHER, "test"],
    ["phase"],
    ["manifest", "check"],
    ["export", "nx", "--check"],
    ["sync", "--check"],
    ["lock-check"],
    ["install", "--print"],
    ["new", "shared/py/audio", "--dry-run"],
    ["remove", "services/py/api", "--dry-run"],
    ["run", "help", OTHER],
    ["guard", *(rule for rule in catalog.RULES if rule != "secrets")],
]


class Place:
    """A monorepo, and the commands that are tried in it."""

    def __init__(self, root: Path, monorepo: Victim, nox: Victim) -> None:
        self.root, self.packages = root, list(workspace.load(root).packages)
        self.others = self._others()
        self._monorepo, self._nox = monorepo, nox
        # The tests of the tooling set it, to see defects of rules.
        self._environment = baking.environment(MONOREPO_TRACEBACK="")

    def warm(self) -> None:
        """Import all that the verbs need, once."""
        for words in VERBS[:-2] + VERBS[-1:]:
            self._monorepo.warm(Run(self.root, self._environment, [words]))

    def _others(self) -> list[str]:
        """Return the text files beside FILES, one of those that have the same name and content."""
        found: dict[tuple[str, bytes], str] = {}
        for name in baking.run(self.root, "git", "ls-files").splitlines():
            if name not in {*FILES, *WRONG} and not name.endswith((".whl", ".png", ".gz")):
                content = (self.root / name).read_bytes()
                found.setdefault((name.rpartition("/")[2], content), name)
        return list(found.values())

    def judged(self, name: str, kind: str) -> Iterator[str]:
        """Yield what is wrong with how each verb ends."""
        for words in VERBS:
            done = self._monorepo(Run(self.root, self._environment, [words]))
            said = f"{words[0]} ended with {done.code}: {done.output[-3000:]}"
            lines = [line for line in done.output.splitlines() if line.startswith("monorepo: ")]
            if done.code not in (0, 1, 2) or "Traceback" in said or "the rule failed here" in said:
                yield said
            elif done.code == 2 and not lines:
                yield f"no line says why; {said}"
            elif not all("; " in line or ": " in line[10:] for line in lines):
                yield f"a line says not what to do; {said}"
            elif name in MANIFESTS and (wrong := self._of_package(name, kind, words, said)):
                yield f"{wrong}; {said}"
            elif words[0] == "guard" and self._to_be_found(name, kind) and name not in said:
                yield f"it is not named; {said}"
            elif words[0] == "guard" and (lost := self._lost(name, done)):
                yield f"{', '.join(lost)} is not found any more; {said}"
        # A noxfile is Python, which says for itself what is wrong.
        if not name.endswith("noxfile.py"):
            done = self._nox(Run(self.root, self._environment, [["-l"]]))
            if "Traceback" in done.output or (name in MANIFESTS and done.code):
                yield f"nox -l ended with {done.code}: {done.output[-3000:]}"

    def _lost(self, name: str, done: Outcome) -> list[str]:
        """Return the ids of what is wrong elsewhere and is not told."""
        found = done.output.splitlines()
        return [
            one
            for one, path in ELSEWHERE.items()
            if not ((name in ROOT and done.code == 2) or OWN.get(name) == one)
            and not any(line.startswith(path) and f": {one}: " in line for line in found)
        ]

    def _of_package(self, name: str, kind: str, words: list[str], said: str) -> str:
        """Return what is wrong where one package is broken: all others are as they were."""
        code = said.partition(":")[0].rpartition(" ")[2]
        others = [path for path in self.packages if not name.startswith(f"{path}/")]
        if words[0] in ("list", "graph") and (lost := [one for one in others if one not in said]):
            return f"{', '.join(lost)} is not shown"
        if words[0] == "run" and code != "0":
            return "another package was stopped"
        apart = ("run", "hash", "manifest", "sync")
        if kind in BROKEN and words[0] not in apart and code == "0":
            return "the exit code does not say so"
        return ""

    def _to_be_found(self, name: str, kind: str) -> bool:
        if name.endswith((".py", ".txt")) and kind in ("list", "number", "deep", "huge number"):
            return False
        if name in self.others and (not name.endswith(SOURCES) or "/fixtures/" in name):
            return False
        return name not in OTHERS and kind in BROKEN and (name, kind) != ("noxfile.py", "conflict")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Make a monorepo in git, as far as it is without an installation."""
    root = baking.bake(tmp_path_factory.mktemp("files"))
    (root / "guard-baseline.json").write_text("[]\n", encoding="utf-8")
    for kind in ("shared-js", "shared-py"):
        baking.own_template(root, kind)
    (root / ".venv").mkdir()
    space = workspace.load(root)
    derive.derive(space, [space.packages[PY]])
    for name, text in WRONG.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    baking.commit(root)
    with (
        Victim("tests.template.listing:monorepo", baking.ENGINE) as monorepo,
        Victim("tests.template.listing:main", baking.TEMPLATE) as nox,
    ):
        place = Place(root, monorepo, nox)
        place.warm()
        yield place


def _kinds(name: str) -> list[str]:
    """Return the ways in which a file is broken in this run: all, or some of them."""
    at = FILES.index(name)
    return KINDS if ALL else [KINDS[at * 7 % len(KINDS)]]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_no_broken_file_stops_what_can_go_on(place: Place, name: str) -> None:
    wrong = _wrong(place, name, _kinds(name))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_other_broken_file_stops_anything(place: Place, part: int) -> None:
    wrong, files = [], place.others[part :: PARTS if ALL else 7 * PARTS]
    for at, name in enumerate(files):
        kinds = SOME if ALL else [SOME[(at + part) % len(SOME)]]
        wrong += [f"{name}, {line}" for line in _wrong(place, name, kinds)]
    assert not wrong, "\n\n".join(wrong)


def _wrong(place: Place, name: str, kinds: Iterable[str]) -> list[str]:
    """Break a file in some ways, one after the other, and return what is wrong then."""
    file, wrong = place.root / name, list[str]()
    before = file.read_bytes() if file.exists() else None
    mode = file.stat().st_mode if file.exists() else 0
    for kind in kinds:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if kind in PLACES:
            PLACES[kind](file)
        else:
            data = before if before is not None else b'{"a": 1}\n'
            file.write_bytes(CORRUPTIONS[kind](name, data, random.Random(f"{name} {kind}")))
        wrong += [f"{kind}: {line}" for line in place.judged(name, kind)]
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        if before is not None:
            file.write_bytes(before)
            file.chmod(mode)
    assert baking.changed(place.root) == ""
    return wrong
