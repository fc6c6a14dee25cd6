"""A JavaScript package is proven in a copy of its closure, and packed as a stranger gets it."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import Workspace
from monorepo.system.errors import UsageError
from monorepo.tasks import js_sandbox

Write = Callable[[dict[str, str]], None]
Packed = Callable[[dict[str, str]], list[str]]

# In place of programs that are not on each machine: a pnpm that says what it is asked and deploys
# by making a folder, a Node that cannot import what a file names.
PNPM = """\
#!/bin/sh
echo pnpm "$@" >&2
[ "$4" != deploy ] || { mkdir -p "$5/node_modules/left" "$5/src"; : >"$5/src/index.ts"; }
"""
NODE = """\
#!/bin/sh
ls -A . node_modules >"$0.saw"
grep -qF "$3" "$0.fails" || exit 0
printf 'node:internal\\n\\nError: no door\\n    at once\\n' >&2
exit 1
"""


@pytest.fixture
def space(javascript: Path, write: Write) -> Workspace:
    """Write a package, one that it needs and one that it does not."""
    asked = {"@tiny/core": "workspace:*", "left": "^1"}
    told = {"name": "@tiny/web", "dependencies": asked, "peerDependencies": {"peer": "^1"}}
    write(
        {
            "LICENSE": "MIT",
            "pnpm-lock.yaml": "",
            "shared/js/core/package.json": '{"name": "@tiny/core"}',
            "shared/js/other/package.json": '{"name": "@tiny/other"}',
            "shared/js/web/package.json": json.dumps(told),
            "shared/js/web/src/build/index.ts": "",
            "tools/make/js.mk": "",
            ".venv/bin/node": NODE,
            ".venv/bin/node.fails": "",
            ".venv/bin/pnpm": PNPM,
        }
    )
    for path in ("dist", "build", "node_modules", ".venv", ".nox"):
        write({f"shared/js/web/{path}/made": "", f"shared/js/core/{path}/made": ""})
    for name in ("pnpm", "node"):
        (javascript / ".venv/bin" / name).chmod(0o755)
    return workspace.load(javascript)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_copy_has_the_closure(
    space: Workspace, tmp_path: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    copy, package = tmp_path / "copy", space.packages["shared/js/web"]
    # As editors leave them.
    (package.folder / "src/.#index.ts").symlink_to("nowhere")
    assert js_sandbox.make(space, package, copy) == copy / "shared/js/web"
    (asked,) = capfd.readouterr().err.splitlines()
    assert asked.startswith("pnpm install --frozen-lockfile --filter @tiny/web... --reporter")
    assert files(copy) == {
        *("LICENSE", "package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "pyproject.toml"),
        "tools/make/js.mk",
        *("shared/js/core/package.json", "shared/js/web/package.json"),
        "shared/js/web/src/build/index.ts",
    }


def test_what_a_lock_must_not_have_is_not_copied_either(
    space: Workspace, tmp_path: Path, write: Write
) -> None:
    write({"pnpm-lock.yaml": "packages:\n\n  x@1:\n    resolution: {tarball: https://x/y.tgz}\n"})
    with pytest.raises(UsageError, match=r"pnpm-lock.yaml:4: x@1 comes from a tarball, not from"):
        js_sandbox.make(space, space.packages["shared/js/web"], tmp_path / "copy")


@pytest.fixture
def packed(space: Workspace, tmp_path: Path) -> Packed:
    """Pack files in the copy, and look into them."""

    def packed(contents: dict[str, str], path: str = "shared/js/web") -> list[str]:
        root = tmp_path / "copy"
        (root / path / "build").mkdir(parents=True, exist_ok=True)
        (root / path / "node_modules/peer").mkdir(parents=True, exist_ok=True)
        with tarfile.open(root / path / "build/it-1.0.tgz", "w:gz") as archive:
            for name, text in contents.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        package = workspace.load(space.root).packages[path]
        return list(js_sandbox.packed(space, package, root))

    return packed


MANIFEST = json.dumps({"name": "@tiny/web", "exports": {".": "./a.js", "./b": "./b.js"}})
GOOD = {"package.json": MANIFEST, "README.md": "", "LICENSE": "", "dist/a.js": ""}


def test_a_good_file(packed: Packed, space: Workspace) -> None:
    assert packed(GOOD) == []
    # The dependencies are what was deployed and the peer; all else is what was packed.
    saw = (space.root / ".venv/bin/node.saw").read_text(encoding="utf-8").split()
    here, there = saw[1 : saw.index("node_modules:")], saw[saw.index("node_modules:") + 1 :]
    assert set(here) == {"LICENSE", "README.md", "dist", "node_modules", "package.json"}
    assert there == ["left", "peer"]


def test_what_a_file_lacks_and_has_too_much(packed: Packed) -> None:
    where, fix = "shared/js/web: the packed file", "fix `files` in package.json"
    assert packed({"package.json": MANIFEST, "src/a.ts": "", "tests/a.test.ts": ""}) == [
        f"{where} has src/a.ts; {fix}",
        f"{where} has tests/a.test.ts; {fix}",
        f"{where} lacks LICENSE; {fix}",
        f"{where} lacks README.md; {fix}",
    ]


def test_each_door_opens(packed: Packed, write: Write) -> None:
    write({".venv/bin/node.fails": 'await import("@tiny/web/b")\n'})
    assert packed(GOOD) == [
        "shared/js/web: import of @tiny/web/b, packed: Error: no door; declare it, or fix exports"
    ]


def test_a_service_is_not_imported(packed: Callable[..., list[str]], write: Write) -> None:
    write(
        {
            "services/js/api/package.json": '{"name": "@tiny/svc-api"}',
            ".venv/bin/node.fails": "await import\n",
        }
    )
    path = "services/js/api"
    assert packed({**GOOD, "dist/main.js": ""}, path) == []
    assert packed(GOOD, path) == [
        "services/js/api: the packed file lacks dist/main.js; fix `files` in package.json"
    ]


def test_a_configured_service_has_what_it_reads(
    packed: Callable[..., list[str]], write: Write, tmp_path: Path
) -> None:
    path = "services/js/api"
    write({f"{path}/package.json": '{"name": "@tiny/svc-api"}'})
    configured = tmp_path / "copy" / path / "service.json"
    configured.parent.mkdir(parents=True)
    configured.write_text("{}", encoding="utf-8")
    good = {**GOOD, "dist/main.js": ""}
    assert packed({**good, "service.json": "{}"}, path) == []
    assert packed(good, path) == [
        "services/js/api: the packed file lacks service.json; fix `files` in package.json"
    ]


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_one_file(space: Workspace, tmp_path: Path, count: int) -> None:
    folder = tmp_path / "copy/shared/js/web/build"
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.tgz").touch()
    package = space.packages["shared/js/web"]
    assert list(js_sandbox.packed(space, package, tmp_path / "copy")) == [
        f"shared/js/web/build: holds {count} packed files, not one; see make build"
    ]


@pytest.mark.parametrize(
    ("exports", "names"),
    [
        (None, ["@t/it"]),
        ("./a.js", ["@t/it"]),
        (["./a.js"], ["@t/it"]),
        ({}, ["@t/it"]),
        ({"import": "./a.js", "default": "./b.js"}, ["@t/it"]),
        ({".": "./a.js"}, ["@t/it"]),
        ({".": {"types": "./a.d.ts", "default": "./a.js"}, "./b": "./b.js"}, ["@t/it", "@t/it/b"]),
        ({"./b": "./b.js"}, ["@t/it/b"]),
        ({".": "./a.js", "./x/*": "./x/*.js", "./secret": None}, ["@t/it"]),
        ({".": "./a.js", "./package.json": "./package.json", "./it.css": "./it.css"}, ["@t/it"]),
    ],
)
def test_the_names_by_which_code_imports(exports: object, names: list[str]) -> None:
    manifest = {"name": "@t/it"} if exports is None else {"name": "@t/it", "exports": exports}
    assert list(js_sandbox._exported("@t/it", manifest)) == names


def test_a_browser_app_is_files_for_a_web_server(
    space: Workspace, tmp_path: Path, write: Write
) -> None:
    write({"apps/js/site/package.json": '{"name": "@tiny/app-site"}'})
    site = workspace.load(space.root).packages["apps/js/site"]
    (told,) = js_sandbox.packed(space, site, tmp_path)
    assert told == "apps/js/site: the build wrote no dist/index.html; see make build"
    (tmp_path / "apps/js/site/dist").mkdir(parents=True)
    (tmp_path / "apps/js/site/dist/index.html").write_text("<p>", encoding="utf-8")
    assert list(js_sandbox.packed(space, site, tmp_path)) == []
