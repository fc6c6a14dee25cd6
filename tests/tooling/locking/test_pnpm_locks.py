"""The lock of pnpm grows, shrinks and is checked as text; pnpm only resolves.

A machine may have no Node. Where pnpm would run, a program notes how it was called.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import Package
from monorepo.locking import pnpm_locks
from monorepo.parsing import pnpm_lockfile
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
# Notes its words; says what is in a file `broken` beside it, and fails.
PROGRAM = """\
#!/bin/sh
[ "$1" != config ] || exit 0
echo "$(basename "$0") $*" >> "$(dirname "$0")/said"
[ ! -e "$(dirname "$0")/broken" ] || { cat "$(dirname "$0")/broken" >&2; exit 1; }
case "$*" in *outdated*) echo "left 1 -> 2"; exit 1 ;; esac
"""
# As pnpm 12 says it.
PEERS = """\
Scope: all 3 workspace projects
[ERR_PNPM_PEER_DEP_ISSUES] Unmet peer dependencies

shared/js/a
  ✕ unmet peer typescript
    Installed: 7.0.2
    Wanted:
      ">=4.3 <6":
        ts-jest@29.4.5
        @ts/inner@1.0.0
      ^5.x:
        openapi-typescript@7.13.0

  ✕ missing peer react
    Wanted:
      ^19.3.1:
        react-dom@19.3.1

templates/shared-js
  ✕ unmet peer @s/x
    Installed: 1.0.0
    Wanted:
      "2":
        @s/y@1.0.0
hint: To disable failing on peer dependency issues, add the following to pnpm-workspace.yaml:

  strictPeerDependencies: false
"""
LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
A, B = "shared/js/a", "shared/js/b"


@pytest.fixture
def said(javascript: Path, write: Write, pnpm: Callable[[str], None]) -> Callable[[], list[str]]:
    """Put the program in place; return what says how it was called since the last time."""
    pnpm(PROGRAM)
    write({"pnpm-lock.yaml": LOCK})

    def said() -> list[str]:
        file = javascript / ".venv/bin/said"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    return said


def test_folders_of_the_team_are_installed_as_well(javascript: Path, write: Write) -> None:
    write(
        {
            "pnpm-workspace.yaml": 'packages:\n  - shared/js/*\n  # ours\n  - "apps/*"\n'
            "  - '!apps/old'\n\ncatalog: {}\n",
            "apps/new/package.json": '{"name": "new"}',
            "apps/old/package.json": "{}",
            "shared/js/a/package.json": '{"name": "@tiny/a"}',
        }
    )
    assert [*pnpm_locks.importers(workspace.load(javascript))] == [".", "shared/js/a", "apps/new"]
    write({"apps/new/package.json": "{"})
    with pytest.raises(UsageError, match=r"apps/new/package.json:1: is not JSON"):
        pnpm_locks.importers(workspace.load(javascript))


def test_what_could_move_is_shown(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    assert pnpm_locks.outdated(workspace.load(javascript)) == ["left 1 -> 2"]
    assert said() == ["pnpm outdated --recursive --format list"]
    write({"shared/js/a/package.json": '{"name": "@tiny/a", "dependencies": {"@tiny/b": "^1"}}'})
    with pytest.raises(UsageError, match="@tiny/b: is in the scope of this repository"):
        pnpm_locks.outdated(workspace.load(javascript))
    # No registry was asked.
    assert said() == []


def test_a_package_is_grafted_onto_the_lock(javascript: Path, write: Write) -> None:
    manifest = {"name": "@tiny/a", "dependencies": {"left": "^1", "@tiny/b": "workspace:*"}}
    write({"shared/js/a/package.json": json.dumps(manifest)})
    write({"shared/js/b/package.json": '{"name": "@tiny/b"}'})
    space = workspace.load(javascript)
    added = [
        (space.packages["shared/js/b"], "shared-js"),
        (space.packages["shared/js/a"], "shared-js"),
    ]
    lock = pnpm_lockfile.parse(pnpm_locks.graft(space, added))
    assert set(lock.importers) == {".", "shared/js/a", "shared/js/b"}
    assert set(lock.packages) == {"left@1.0.0"}
    write({"pnpm-lock.yaml": LOCK.replace("{}", "[")})
    (javascript / "tools/pnpm-lock.yaml").write_text("nonsense: [\n\n\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is not as pnpm writes it"):
        pnpm_locks.graft(space, added)


def test_what_belongs_to_no_template_is_left_out(javascript: Path) -> None:
    text = (javascript / "tools/pnpm-lock.yaml").read_text(encoding="utf-8")
    grown = text.replace("\n\npackages:", "\n\n  templates/x: {}\n\npackages:")
    assert grown != text
    assert pnpm_locks.only_templates(javascript, grown) == text


def test_packages_and_templates_are_resolved_together(
    javascript: Path, write: Write, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    left = '{"name": "@tiny/a", "dependencies": {"left": "^1"}}'
    write({"shared/js/a/package.json": left})
    known = pnpm_lockfile.parse((javascript / "tools/pnpm-lock.yaml").read_text(encoding="utf-8"))
    mine = pnpm_locks.graft(
        workspace.load(javascript),
        [(workspace.load(javascript).packages["shared/js/a"], "shared-js")],
    )
    write({"pnpm-lock.yaml": mine})
    draft = tmp_path / "draft"
    draft.mkdir()
    asked = {"left": "^1", "@tiny/service": "workspace:*"}
    sample = Package(draft, "shared/js/shared-js", {"name": "@tiny/x", "dependencies": asked})
    texts = pnpm_locks.resolve(workspace.load(javascript), [sample], ["all"], draft)
    assert texts["pnpm-lock.yaml"] == mine
    assert texts["tools/pnpm-lock.yaml"] == str(known)
    assert texts["pnpm-workspace.yaml"] == "packages: []\n"
    install, update = said()
    assert "--lockfile-only --no-frozen-lockfile" in install
    assert update.startswith("pnpm update --recursive --lockfile-only")
    assert " left " in update
    manifest = draft / "node/templates/shared-js/package.json"
    kept = json.loads(manifest.read_text(encoding="utf-8"))["dependencies"]
    assert kept == {"left": "^1"}


def test_settings_are_those_of_pnpm(javascript: Path, write: Write) -> None:
    write({"pnpm-workspace.yaml": "catalog:\n  left: ^1\n"})
    assert pnpm_locks.settings(javascript) == {"catalog": {"left": "^1"}}
    write({"pnpm-workspace.yaml": "catalog: {\n"})
    with pytest.raises(UsageError, match=r"^pnpm-workspace.yaml:2: is not YAML"):
        pnpm_locks.settings(javascript)


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (["shared/js/*", "apps/*"], ["apps/one", "apps/two"]),
        (["./apps/*/", "!./apps/two"], ["apps/one"]),
        (["apps/two", "apps/*"], ["apps/two", "apps/one"]),
        (["services/js/a", "*/js/*", "."], []),
        (["../*", "/apps/*", "apps/../apps/*", "node_modules/*"], []),
        ([], []),
    ],
)
def test_folders_of_the_team(
    javascript: Path, write: Write, globs: list[str], found: list[str]
) -> None:
    rows = "".join(f"  - '{glob}' # why\n" for glob in globs)
    paths = ["apps/one", "apps/two", "services/js/a", "shared/js/a", "node_modules/x"]
    write({f"{path}/package.json": json.dumps({"name": path}) for path in paths})
    write({"pnpm-workspace.yaml": f"packages: # where\n{rows}\nx: 1\n"})
    assert [*pnpm_locks.members(workspace.load(javascript))] == found


def test_only_javascript_is_pnpms(
    javascript: Path, write: Write, package: Callable[..., Path]
) -> None:
    package("shared/py/a")
    assert pnpm_locks.packages(workspace.load(javascript)) == []
    write({f"{A}/package.json": '{"name": "@tiny/a"}'})
    assert [one.path for one in pnpm_locks.packages(workspace.load(javascript))] == [A]


@pytest.mark.parametrize(
    ("file", "name", "place"),
    [
        ("x.yaml", "b", "x.yaml:2"),
        ("x.yaml", "c", "x.yaml:3"),
        ("x.yaml", ".", "x.yaml"),
        ("x.yaml", "bb", "x.yaml"),
        ("gone.yaml", "a", "gone.yaml"),
    ],
)
def test_a_key_has_a_place(root: Path, write: Write, file: str, name: str, place: str) -> None:
    write({"x.yaml": "a: b\nb: 1\n'c' : 2\n"})
    assert pnpm_locks.place_of(root, file, name) == place


def test_what_is_added_and_removed_leaves_no_trace(javascript: Path, write: Write) -> None:
    write({f"{B}/package.json": '{"name": "@tiny/b"}'})
    space = workspace.load(javascript)
    before = pnpm_locks.graft(space, [(space.packages[B], "shared-js")])
    write({"pnpm-lock.yaml": before})
    assert pnpm_locks.locked(javascript) == set()
    manifest = {"name": "@tiny/a", "dependencies": {"left": "^1", "@tiny/b": "workspace:*"}}
    write({f"{A}/package.json": json.dumps(manifest)})
    more = workspace.load(javascript)
    write({"pnpm-lock.yaml": pnpm_locks.graft(more, [(more.packages[A], "shared-js")])})
    assert pnpm_locks.locked(javascript) == {"left"}
    assert pnpm_locks.check(more) == []
    assert pnpm_locks.prune(space, A) == before
    # A link to what is gone goes as well.
    (javascript / B / "package.json").unlink()
    assert "@tiny/b" not in pnpm_locks.prune(workspace.load(javascript), B)


def test_without_a_lock_nothing_is_locked(javascript: Path) -> None:
    assert pnpm_locks.locked(javascript) == set()
    space = workspace.load(javascript)
    with pytest.raises(UsageError, match=r"^pnpm-lock.yaml: is missing"):
        pnpm_locks.check(space)
    with pytest.raises(UsageError, match=r"^pnpm-lock.yaml: is missing"):
        pnpm_locks.prune(space, A)


def test_each_difference_is_a_line(javascript: Path, write: Write) -> None:
    write({"pnpm-lock.yaml": f"{LOCK}\n  apps/x: {{}}\n\n  {B}: {{}}\n"})
    write({f"{A}/package.json": '{\n"name": "@tiny/a"\n}'})
    write({"pnpm-workspace.yaml": "\nautoInstallPeers: false\n"})
    assert pnpm_locks.check(workspace.load(javascript), [B]) == [
        f"{A}/package.json:2: pnpm-lock.yaml lacks {A}; run make lock",
        "pnpm-workspace.yaml:2: pnpm-lock.yaml was made with autoInstallPeers: true; run make lock",
        "pnpm-lock.yaml: has apps/x, which is not here; run make lock",
    ]
    # A package with a broken manifest is here.
    write({"pnpm-lock.yaml": f"{LOCK}\n  {A}: {{}}\n", "pnpm-workspace.yaml": "packages: []\n"})
    write({f"{A}/package.json": "{"})
    assert pnpm_locks.check(workspace.load(javascript)) == []


def test_a_sub_template_is_locked_without_its_siblings(javascript: Path) -> None:
    asked = {"left": "^1", "@tiny/service": "workspace:*"}
    manifest = {"name": "@tiny/x", "dependencies": asked}
    kept = pnpm_locks.without_siblings(manifest)
    assert (kept["name"], kept["dependencies"]) == ("@tiny/x", {"left": "^1"})
    space = workspace.load(javascript)
    samples = [
        Package(javascript, "shared/js/shared-js", manifest),
        Package(javascript, "shared/py/shared-py", {"project": {"dependencies": ["no"]}}),
    ]
    assert pnpm_locks.importer_of("shared-js") == "templates/shared-js"
    assert pnpm_locks.check_samples(space, samples) == []
    other = Package(javascript, "shared/js/shared-js", {"dependencies": {"left": "^2"}})
    message = "tools/pnpm-lock.yaml has left ^1, not ^2"
    place = "tools/templates/shared-js"
    assert pnpm_locks.check_samples(space, [other]) == [f"{place}: {message}; run make lock"]
    lock = pnpm_lockfile.parse((javascript / "tools/pnpm-lock.yaml").read_text(encoding="utf-8"))
    assert list(pnpm_locks.in_samples(javascript, lock, [other])) == [(place, message)]


def test_what_cannot_be_resolved_changes_nothing(
    javascript: Path, write: Write, said: Callable[[], list[str]], tree: Tree, tmp_path: Path
) -> None:
    stray = LOCK + "\npackages:\n\n  '@tiny/cor@1.0.0':\n    resolution: {integrity: sha512-x}\n"
    for number, (files, error, why) in enumerate(
        [
            (
                {"pnpm-lock.yaml": stray},
                UsageError,
                "pnpm-lock.yaml: @tiny/cor: a dependency requi",
            ),
            ({".venv/bin/broken": ""}, TaskError, "lock: pnpm-lock.yaml: failed"),
        ]
    ):
        write(files)
        draft = tmp_path / str(number)
        draft.mkdir()
        then = tree()
        with pytest.raises(error, match=f"^{why}"):
            pnpm_locks.resolve(workspace.load(javascript), [], [], draft)
        assert len(said()) == 1
        assert tree() == then


def test_what_wants_another_version_is_told_in_a_line(
    javascript: Path,
    write: Write,
    said: Callable[[], list[str]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write({".venv/bin/broken": PEERS, "pnpm-workspace.yaml": "catalog:\n  typescript: 7.0.2\n"})
    (tmp_path / "draft").mkdir()
    with pytest.raises(UsageError) as error:
        pnpm_locks.resolve(workspace.load(javascript), [], [], tmp_path / "draft")
    assert error.value.mistakes == (
        "pnpm-workspace.yaml:2: in shared/js/a, ts-jest 29.4.5 wants typescript >=4.3 <6, "
        "openapi-typescript 7.13.0 wants typescript ^5.x, but 7.0.2 is pinned; "
        "pin a typescript that fits, or another version of ts-jest and openapi-typescript",
        "shared/js/a/package.json: react-dom 19.3.1 wants react ^19.3.1, "
        "which it does not declare; declare react there as well",
        "pnpm-workspace.yaml: in the sub-template shared-js, @s/y 1.0.0 wants @s/x 2, "
        "but 1.0.0 is pinned; pin a @s/x that fits, or another version of @s/y",
    )
    # Nobody is told to switch the check off.
    assert capfd.readouterr().err.splitlines()[-1] == "Scope: all 3 workspace projects"
    assert len(said()) == 1


@pytest.mark.parametrize(
    ("name", "wanted", "said"),
    [
        ("@tiny/b", "workspace:*", ""),
        ("@tiny/b", "workspace:^1", ""),
        ("left", "^1", ""),
        ("tiny", "^1", "tiny: ^1 is requested from the registry; write"),
        ("@tiny/b", "*", '@tiny/b: * is requested from the registry; write "workspace:*"'),
        ("@tiny/b", "^99.0.0", "is requested from the registry"),
        ("@tiny/b", "catalog:", "is requested from the registry"),
        ("@Tiny/B", "*", "is requested from the registry"),
        ("@tiny/cor", "*", "@tiny/cor: is in the scope of this repository, but is not a package"),
        ("left", "npm:@tiny/cor@^1", "@tiny/cor: is in the scope"),
        ("left", "npm:@tiny/b@1", "left: npm:@tiny/b@1 is requested from the registry"),
        ("left", "npm:right@1", ""),
        ("@tiny/gone", "workspace:*", "@tiny/gone: is not a package here"),
        ("@tiny/sdk", "^1", ""),
        ("@tinyer/x", "^1", ""),
    ],
)
@pytest.mark.parametrize("group", ["dependencies", "devDependencies", "optionalDependencies"])
@pytest.mark.parametrize("path", ["package.json", "shared/js/a/package.json"])
def test_what_manifests_ask_for(
    javascript: Path, write: Write, path: str, group: str, name: str, wanted: str, said: str
) -> None:
    facts = (javascript / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}external = ["@tiny/sdk"]\n'})
    write({"shared/js/b/package.json": '{"name": "@tiny/b"}'})
    manifest = json.loads((javascript / "package.json").read_text(encoding="utf-8"))
    own = {"name": "@tiny/a"} if path != "package.json" else manifest
    write({path: json.dumps({**own, group: {name: wanted}}, indent=1)})
    found = pnpm_locks.refused(workspace.load(javascript))
    assert len(found) == bool(said), found
    for line in found:
        assert said in line
        place, _, _ = line.partition(": ")
        assert place.startswith(f"{path}:")
        row = (javascript / path).read_text(encoding="utf-8").splitlines()
        assert f'"{name}"' in row[int(place.rpartition(":")[2]) - 1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("catalog:\n  left: npm:@tiny/cor@1\n", 2),
        ("catalogs:\n  x:\n    '@tiny/cor': 1.0.0\n", 3),
        ("overrides:\n  left>@tiny/cor@1: 2.0.0\n", 0),
        ("overrides:\n  left: npm:@tiny/cor@2\n", 2),
        ("configDependencies:\n  '@tiny/cor': 1.0.0+sha512-x\n", 2),
    ],
)
def test_what_settings_ask_for(javascript: Path, write: Write, text: str, line: int) -> None:
    write({"pnpm-workspace.yaml": text})
    (found,) = pnpm_locks.refused(workspace.load(javascript))
    place = f"pnpm-workspace.yaml:{line}" if line else "pnpm-workspace.yaml"
    assert found.startswith(f"{place}: @tiny/cor: is in the scope of this repository")
