"""Pins are well-formed, needed and in step, without a network and without uv or pnpm."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import constraints, workspace
from monorepo.guard import runner
from monorepo.locking import locks

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
HOME = "shared/py/a"
SITE = ".venv/lib/python3.11/site-packages"


def found(root: Path, status: str = "error") -> list[str]:
    wrong = runner.guard(workspace.load(root), ["pins"])
    return [str(one).replace(" pins:", "") for one in wrong if one.status == status]


def install(write: Write, name: str, *requires: str, venv: str = SITE) -> None:
    lines = "".join(f"Requires-Dist: {text}\n" for text in requires)
    told = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}"
    write({f"{venv}/{name}-1.0.dist-info/METADATA": told})


@pytest.mark.parametrize(
    ("line", "said", "mended"),
    [
        ("# -r x", "", None),
        ("left==1.0 ; sys_platform == 'win32'  # why", "", None),
        ("--index-url https://x", "has the option --index-url, which applies to all pins", None),
        ("-i=https://x", "has the option -i, which applies to all pins", None),
        ("-e ./x", "has the option -e, which applies to all pins", None),
        ("right[x]==1.0", "extras or hashes, which do not belong in a pin; write", "right==1.0"),
        ("right==1.0 --hash=sha256:a", "extras or hashes", "right==1.0"),
        ("right==1.0 \\", "extras or hashes", "right==1.0"),
        ("    --hash=sha256:a", "has a hash, so pip would require hashes for everything", ""),
        ("right @ https://x/x.whl", "is not a pin; write name==version", None),
        ("right>=1", "is not a pin", None),
        ("right==1.*", "is not a pin", None),
        ("right==1.0,==1.0", "is not a pin", None),
        ("right===1.0", "is not a pin", None),
        ("right", "is not a pin", None),
        ("./right", "is not a pin", None),
    ],
)
def test_lines(root: Path, write: Write, line: str, said: str, mended: str | None) -> None:
    write({"constraints.txt": f"# Pins.\n\n{line}\n"})
    wrong = [one for one in runner.found(workspace.load(root), ["pins"]) if one.status == "error"]
    assert len(wrong) == bool(said)
    for one in wrong:
        assert (one.path, one.line) == (
            "constraints.txt",
            3,
        ) and said in f"{one.message}; {one.fix}"
        assert one.lines == (None if mended is None else (mended,) if mended else ())
    # The command that checks the locks says the same, and does not fail.
    assert len(locks.check(workspace.load(root))) == bool(said)
    if mended is not None:
        runner.apply_fixes(workspace.load(root), wrong)
        assert (
            list(constraints.misfits((root / "constraints.txt").read_text(encoding="utf-8"))) == []
        )


@pytest.mark.parametrize(
    ("pins", "twice"),
    [
        ("left==1\nleft==2", True),
        ("left==1\nLeft==1", True),
        ("left==1\nleft==2 ; sys_platform == 'win32'", True),
        ("left==1 ; python_version < '3.12'\nleft==2 ; python_version >= '3.12'", False),
        ("left==1 ; python_version <= '3.12'\nleft==2 ; python_version >= '3.12'", True),
        ("left==1 ; sys_platform != 'win32'\nleft==2 ; sys_platform == 'win32'", False),
    ],
)
def test_a_name_is_pinned_once_in_an_environment(
    root: Path, package: MakePackage, write: Write, pins: str, twice: bool
) -> None:
    package(HOME, "left")
    write({"constraints.txt": f"{pins}\n"})
    said = found(root)
    assert len(said) == twice
    assert all(line.startswith("constraints.txt:1: left is pinned twice for Py") for line in said)


def test_what_is_declared_is_pinned(root: Path, package: MakePackage, groups: MakeGroups) -> None:
    """A3: all that any package declares has a pin in the one constraints.txt."""
    package(HOME, "left>=2", x=["right"])
    groups(HOME, test=["deep"])
    assert found(root) == [
        f"{HOME}/pyproject.toml:9: left>=2 is pinned to 1.0; run make lock",
        f"{HOME}/pyproject.toml:11: right is not pinned; run make lock",
        f"{HOME}/pyproject.toml:14: deep is not pinned; run make lock",
    ]


def test_what_a_sub_template_declares(root: Path, write: Write, templates: Path) -> None:
    path = "tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml"
    text = (templates / path).read_text(encoding="utf-8")
    write({path: text.replace("dependencies = [", 'dependencies = [\n"right",')})
    assert "tools/templates/shared-py: right is not pinned; run make lock" in found(root)


def test_a_pin_that_a_group_needs(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(HOME)
    groups(HOME, docs=["left"])
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    (told,) = found(root, "warn")
    assert "cannot tell which pins are not required: left is not installed" in told
    install(write, "left")
    install(write, "right")
    assert found(root, "warn") == []
    assert found(root) == ["constraints.txt:2: right is pinned and not required; run make lock"]


@pytest.mark.parametrize(("marker", "warnings"), [("<", 0), (">=", 1)])
def test_what_another_python_needs_is_not_missed(
    root: Path, package: MakePackage, write: Write, marker: str, warnings: int
) -> None:
    package(HOME, "left")
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    install(write, "left", f"right ; python_version {marker} '3.11'")
    assert len(found(root, "warn")) == warnings


def test_what_no_environment_has_is_not_missed(root: Path, package: MakePackage) -> None:
    manifest = package(HOME, gpu=["left"]) / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    assert found(root, "warn") == []
    manifest.write_text(text.replace("requires = []", 'requires = ["left"]', 1), encoding="utf-8")
    assert found(root, "warn") == []


def test_a_pin_that_nobody_needs(root: Path, package: MakePackage, write: Write) -> None:
    package(HOME, "left[fast]")
    lines = ["deep==1", "extra==1", "left==1.0", "lost==1", "other==1", "win==1 ; os_name == 'nt'"]
    write({"constraints.txt": "\n".join(["# Pins.", *lines, ""])})
    assert found(root) == []
    (told,) = found(root, "warn")
    assert (
        "cannot tell which pins are not required: left is not installed; run make install" in told
    )
    install(write, "Left", "deep>=1", "extra ; extra == 'Fast'", "other ; extra == 'more'", "no no")
    install(write, "extra")
    assert found(root) == []
    assert len(found(root, "warn")) == 1
    # With one environment per package, all are looked at.
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": text.replace('python-env = "shared"', 'python-env = "per-package"')})
    install(write, "deep", "win ; os_name == 'nt'", venv=f"{HOME}/{SITE}")
    assert found(root, "warn") == []
    assert found(root) == [
        "constraints.txt:5: lost is pinned and not required; run make lock",
        "constraints.txt:6: other is pinned and not required; run make lock",
    ]


PNPM = f"pnpm@12.0.1+sha512.{'ab' * 64}"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"packageManager": PNPM}, ""),
        ({"packageManager": "pnpm@12.0.1"}, "packageManager has no hash"),
        ({"packageManager": "pnpm@12.0.1+sha512.abc"}, "packageManager has no hash"),
        ({"packageManager": "pnpm@^12"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "pnpm@12"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "npm@12.0.1"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "pnpm@file:./evil"}, "packageManager is not an exact pnpm"),
        ({"packageManager": 1}, "packageManager is not an exact pnpm"),
        ({}, "has no packageManager"),
        ({"packageManager": PNPM, "overrides": {}}, "pnpm does not read overrides here"),
        ({"packageManager": PNPM, "pnpm": {}}, "pnpm does not read pnpm here"),
        (
            {"packageManager": PNPM, "monorepo": {"pnpm": {"evil": "x"}}},
            "monorepo.pnpm: evil is not @pnpm/exe",
        ),
    ],
)
def test_pnpm_is_exact(
    javascript: Path, write: Write, manifest: dict[str, object], said: str
) -> None:
    write({"package.json": json.dumps(manifest, indent=2), "pnpm-lock.yaml": LOCK})
    write({"constraints.txt": ""})
    wrong = found(javascript)
    assert len(wrong) == bool(said)
    assert all(line.startswith("package.json") and said in line for line in wrong)


LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
ENTRY = """
  shared/js/a:
    dependencies:
      left:
        specifier: ^1
        version: 1.0.0
"""


@pytest.mark.parametrize(
    ("manifest", "lock", "said"),
    [
        ({"dependencies": {"left": "^1"}}, LOCK + ENTRY, ""),
        ({"peerDependencies": {"left": "1"}}, f"{LOCK}\n  shared/js/a: {{}}\n", ""),
        (
            {"dependencies": {"left": "^2"}},
            LOCK + ENTRY,
            "a/package.json:3: pnpm-lock.yaml has left ^1, not ^2",
        ),
        ({}, LOCK + ENTRY, "a/package.json: pnpm-lock.yaml has left, which is not declared"),
        ({}, LOCK, "a/package.json:2: pnpm-lock.yaml lacks shared/js/a; run make lock"),
        (
            {"dependencies": {"left": "^1"}},
            f"{LOCK}{ENTRY}\n  shared/js/b: {{}}\n",
            "b is not here",
        ),
        ({}, "importers: [", "pnpm-lock.yaml: is not as pnpm writes it; restore"),
    ],
)
def test_the_lock_of_pnpm(
    javascript: Path, write: Write, manifest: dict[str, object], lock: str, said: str
) -> None:
    told = json.dumps({**manifest, "name": "@tiny/a"}, indent=1)
    write({"shared/js/a/package.json": told, "pnpm-lock.yaml": lock})
    write({"constraints.txt": ""})
    wrong = found(javascript)
    assert len(wrong) == bool(said), wrong
    assert all(said in line for line in wrong), wrong


def test_a_broken_root_is_one_finding(javascript: Path, write: Write) -> None:
    lock = LOCK.replace(
        ".: {}", ".:\n    dependencies:\n      left:\n        specifier: ^1\n        version: 1.0.0"
    )
    write({"package.json": "<<<<<<< a\n", "pnpm-lock.yaml": lock})
    wrong = [str(one) for one in runner.guard(workspace.load(javascript), ["pins"])]
    assert [one for one in wrong if "package.json" in one and "templates" not in one] == [
        "package.json:1: unreadable: has a conflict marker of git; resolve the conflict"
    ]
