"""`make lock` records the lowest versions that each package allows, and keeps the record."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.locking import locks, lowest
from monorepo.locking.lowest import LOWEST
from monorepo.locking.resolution import Resolver

MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]
Capture = pytest.CaptureFixture[str]

CORE = "shared/py/core"


@pytest.fixture(autouse=True)
def index(root: Path, wheel: MakeWheel, uv: Path, write: Write) -> None:
    """Have three versions of `left`, of which the first needs an old `deep`, and two of `deep`."""
    assert uv.exists()
    wheel("left", "1.0", "deep<2")
    wheel("left", "2.0", "deep", "new ; sys_platform == 'win32'")
    wheel("left", "3.0", "deep")
    for name in ("deep", "new", "other"):
        wheel(name, "1.0")
        wheel(name, "2.0")
    write({"constraints.txt": ""})
    (root / "tools/hashes.txt").unlink()


def lock(root: Path, *upgrade: str) -> None:
    locks.lock(workspace.load(root), upgrade)


def recorded(root: Path, label: str) -> list[str]:
    """Return the pins that are recorded of a package or a sub-template."""
    return [*lowest.parse((root / LOWEST).read_text("utf-8"))[label].pins.hashes]


def test_what_differs_from_the_pins_is_recorded(
    root: Path, package: MakePackage, groups: MakeGroups
) -> None:
    package(CORE, "left>=1", gpu=["new>=1"])
    groups(CORE, test=["other"])
    package("services/py/api", "tiny-core", "left>=2")
    package("services/py/plain", "tiny-core")
    lock(root)
    assert recorded(root, CORE) == ["deep==1.0", "left==1.0", "other==1.0"]
    # Of this platform and others: nobody else needs it, so it is not pinned here.
    assert recorded(root, "services/py/api") == ["left==2.0"]
    text = (root / LOWEST).read_text("utf-8")
    assert "services/py/plain" not in text, "it asks an index for nothing"
    assert "    # for services/py/api\n" in text
    assert "left==1.0 \\\n    --hash=sha256:" in text
    assert f"    # requires deep\n    # for {CORE}\n" in text
    assert locks.check(workspace.load(root)) == []


def test_what_only_an_old_version_needs_is_recorded(root: Path, package: MakePackage) -> None:
    package(CORE, "left>=2")
    lock(root)
    assert recorded(root, CORE) == ["left==2.0", "new==2.0 ; sys_platform == 'win32'"]
    # A pin that is for other platforms only is none here.
    package("shared/py/other", "new ; sys_platform == 'linux'")
    lock(root)
    assert recorded(root, CORE) == ["left==2.0", "new==2.0 ; sys_platform == 'win32'"]
    package("shared/py/other", "new")
    lock(root)
    assert recorded(root, CORE) == ["left==2.0"]


def test_a_record_is_kept_until_it_is_out_of_date(
    root: Path, package: MakePackage, wheel: MakeWheel, capsys: Capture
) -> None:
    package(CORE, "left>=1")
    package("shared/py/other", "other>=1", "left>=2")
    lock(root)
    capsys.readouterr()
    hashed = (root / hashes.HASHES).read_text("utf-8")
    for name, version in (("left", "0.9"), ("deep", "1.5"), ("other", "3.0")):
        wheel(name, version)
    wheel("left", "1.1", "deep<2")
    (root / hashes.HASHES).write_text(hashed, "utf-8")
    then = (root / LOWEST).read_bytes()
    lock(root)
    assert (root / LOWEST).read_bytes() == then
    assert capsys.readouterr().err == "lock: every pin is up to date; nothing changed\n"
    # A pin that moved is about those that need it: the old `left` has another `deep`.
    lock(root, "other")
    assert "lowest versions, " not in capsys.readouterr().err
    assert (root / LOWEST).read_bytes() == then
    # What it had is taken again, though there is a newer one by now.
    package(CORE, "left>=1", "other>=2")
    assert locks.check(workspace.load(root)) == [lowest.stale(CORE)]
    lock(root)
    assert "lock: lowest versions, 1 of 1: shared/py/core\n" in capsys.readouterr().err
    assert recorded(root, CORE) == ["deep==1.0", "left==1.0", "other==2.0"]
    # A version that is allowed newly is lower.
    package(CORE, "left>=0.5", "other>=2")
    assert locks.check(workspace.load(root)) == [lowest.stale(CORE)]
    lock(root)
    assert recorded(root, CORE) == ["left==0.9", "other==2.0"]
    assert locks.check(workspace.load(root)) == []


def test_a_lost_record_is_made_anew(root: Path, package: MakePackage) -> None:
    package(CORE, "left>=1")
    lock(root)
    then = (root / LOWEST).read_text("utf-8")
    (root / LOWEST).unlink()
    assert locks.check(workspace.load(root)) == [f"{LOWEST}: is missing; restore it from git"]
    lock(root)
    (root / LOWEST).write_text(f"<<<<<<< HEAD\n{then}", "utf-8")
    (mistake,) = locks.check(workspace.load(root))
    assert mistake.startswith(f"{LOWEST}:1: is neither a pin nor its hash; restore the file")
    lock(root)
    assert (root / LOWEST).read_text("utf-8") == then


def test_the_same_is_resolved_once(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        package(f"shared/py/{name}", "left>=1")
    package("shared/py/d", "left>=2")
    asked: list[str] = []
    compiled = Resolver.compile

    def counted(
        self: Resolver,
        requirements: Iterable[str],
        preferred: Iterable[str],
        output: Path,
        *flags: str,
        python: str,
        doing: str = "pins",
    ) -> str:
        asked.append(doing)
        return compiled(self, requirements, preferred, output, *flags, python=python, doing=doing)

    monkeypatch.setattr(Resolver, "compile", counted)
    lock(root)
    assert sorted(asked) == [
        "lock: lowest versions of shared/py/a",
        "lock: lowest versions of shared/py/d",
        "pins",
    ]
    assert recorded(root, "shared/py/a") == recorded(root, "shared/py/c")


def test_a_bound_that_is_too_low_is_told_with_the_first_version_that_resolves(
    root: Path, package: MakePackage, wheel: MakeWheel, capsys: Capture
) -> None:
    wheel("frame", "1.0", "other>=2")
    package(CORE, "left>=1", "frame>=1", "other>=1", "deep>=1.0.1 ; python_version > '3'")
    lock(root)
    told = [line for line in capsys.readouterr().err.splitlines() if "does not resolve" in line]
    assert told == [
        f"lock: {CORE}: deep>=1.0.1 ; python_version > '3' does not resolve below 2.0; write >=2.0",
        f"lock: {CORE}: left>=1 does not resolve below 2.0; write >=2.0",
        f"lock: {CORE}: other>=1 does not resolve below 2.0; write >=2.0",
    ]
    # Only then: 1.0 is what >=1 means.
    package(CORE, "frame>=1", "deep>=0.5,>=1")
    lock(root)
    assert "does not resolve" not in capsys.readouterr().err


def template(write: Write, name: str, requires: str, needs: str = "{}") -> None:
    """Write a sub-template, which may require packages of others."""
    text = '[project]\nname = "{{ cookiecutter.distribution }}"\n'
    folder, made = f"tools/templates/{name}", "{{cookiecutter.name}}/pyproject.toml"
    questions = f'{{"title": "x", "_requires": {needs}}}'
    write(
        {
            f"{folder}/cookiecutter.json": questions,
            f"{folder}/{made}": f"{text}dependencies = {requires}\n",
        }
    )


def test_sub_templates_are_recorded_with_what_they_require(
    root: Path, package: MakePackage, write: Write
) -> None:
    template(write, "base", '["left>=2"]')
    template(write, "top", '["tiny-helpers", "left>=1"]', '{"shared/py/helpers": "base"}')
    lock(root)
    assert recorded(root, "base")[0] == recorded(root, "top")[0] == "left==2.0"
    assert locks.check(workspace.load(root)) == []
    # So nothing is to be resolved for packages that are made from them.
    package("shared/py/helpers", "left>=2")
    package("services/py/api", "tiny-helpers", "left>=1")
    assert locks.check(workspace.load(root)) == []
    template(write, "base", '["left>=1"]')
    assert locks.check(workspace.load(root)) == [lowest.stale("base")]


def test_an_old_hash_stays(root: Path, package: MakePackage, wheel: MakeWheel) -> None:
    package(CORE, "left>=1")
    lock(root)
    line = re.compile(r"(?m)^left==1.0 .*\n +(\S+)")
    (old,) = line.findall((root / LOWEST).read_text("utf-8"))
    hashed = (root / hashes.HASHES).read_text("utf-8")
    wheel("left", "1.0", "deep<2", files={"more.py": ""})
    (root / hashes.HASHES).write_text(hashed, "utf-8")
    package(CORE, "left>=1", "other>=1")
    lock(root)
    assert line.findall((root / LOWEST).read_text("utf-8")) == [old]
