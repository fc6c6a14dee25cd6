"""What a change affects, in monorepos of each shape, as anybody asks in a fresh clone."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, edit, run

CORE, NOTES, SERVICE = "shared/py/core", "shared/py/notes", "shared/py/service"
CORE_JS, NOTES_JS, SERVICE_JS = "shared/js/core", "shared/js/notes", "shared/js/service"
API, WEB = "services/py/api", "services/js/web"
PYTHON = {CORE, NOTES, SERVICE, API}
JAVASCRIPT = {CORE_JS, NOTES_JS, SERVICE_JS, WEB}
EVERY = PYTHON | JAVASCRIPT
SHAPES = {
    "shared": {},
    "per-package": {"python_env": "per-package"},
    "uv": {"python_env": "uv"},
    "edn": {"manifests": "edn"},
    "python": {"packages": f"{CORE} {API}"},
    "javascript": {"packages": f"{CORE_JS} {WEB}"},
}


def affected(root: Path, *words: str) -> set[str]:
    """Return what Make says that the change affects, and take the change back."""
    paths = {*run(root, "make", "affected", "FORMAT=paths", *words).split()}
    run(root, "git", "reset", "--quiet", "--hard")
    run(root, "git", "clean", "--quiet", "-fd")
    return paths


EACH = [pytest.param(name, marks=[pytest.mark.slow] if SHAPES[name] else []) for name in SHAPES]


@pytest.fixture(scope="module", params=EACH)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a committed monorepo of each shape, in which nothing is installed."""
    root = bake(tmp_path_factory.mktemp("affected"), **SHAPES[request.param])
    commit(root)
    return root


def here(root: Path, paths: set[str]) -> set[str]:
    """Return those of the packages that this shape has."""
    return {path for path in paths if (root / path).exists()}


def test_nothing_is_changed_and_nothing_is_written(root: Path) -> None:
    said = run(root, "make", "affected")
    total = len(here(root, EVERY))
    assert said.startswith(f"0 of {total} packages are affected\nbase: ")
    assert changed(root) == ""
    assert not (root / ".venv").exists()


def test_what_each_file_concerns(root: Path) -> None:
    for path, expected in {
        "README.md": set(),
        "docs/recipes.md": set(),
        f"{CORE}/README.md": {CORE},
        f"{CORE}/tests/unit/test_new.py": {CORE},
        f"{SERVICE}/src/acme_service/new.py": {SERVICE, API},
        f"{NOTES}/src/acme_notes/new.py": {NOTES, API},
        f"{SERVICE_JS}/src/new.ts": {SERVICE_JS, WEB},
        "tools/make/py.mk": PYTHON,
        "tools/make/js.mk": JAVASCRIPT,
        "tools/make/common.mk": EVERY,
        ".github/workflows/ci.yml": EVERY,
        "new.bin": EVERY,
    }.items():
        owner = "/".join(path.split("/")[:3])
        if owner in EVERY and not (root / owner).exists():
            continue
        file = root / path
        if not file.parent.exists() and path.startswith("tools"):
            continue
        was = file.read_text("utf-8") if file.exists() else ""
        file.write_text(f"{was}\n", "utf-8")
        assert affected(root) == here(root, expected), path


def test_every_tracked_file_is_known(root: Path) -> None:
    """What the template renders has a line in the table: nothing of it falls to `everything`."""
    for path in run(root, "git", "ls-files").splitlines():
        (root / path).chmod(0o755 if (root / path).stat().st_mode & 0o100 == 0 else 0o644)
    found = json.loads(run(root, "make", "affected", "FORMAT=json"))
    assert "belongs to no package" not in found["everything"]
    files = json.loads(
        run(root, "make", "affected", "FORMAT=json", f"WHY={found['packages'][0]['path']}")
    )["package"]["files"]
    assert len(files) > 50
    unknown = [row["path"] for row in files if row["inputs_of"] == ["everything"]]
    assert set(unknown) <= {
        *(".gitattributes", ".gitignore", "Makefile", "noxfile.py", "run"),
        *(".github/workflows/ci.yml", "tools/requirements.txt"),
        *(f"tools/make/{name}" for name in ("common.mk", "engine.py", "environment.sh")),
        *("tools/make/monorepo.sh", "tools/make/run.sh"),
        *(path for path in unknown if path.endswith(".whl")),
    }
    run(root, "git", "reset", "--quiet", "--hard")


def test_a_pin_concerns_those_that_need_it(root: Path) -> None:
    if (root / CORE).exists():
        # Of the runtime of services, and of the tests of its users.
        for name in ("constraints.txt", "tools/hashes.txt"):
            text = (root / name).read_text("utf-8")
            line = next(one for one in text.splitlines() if one.startswith("starlette=="))
            edit(root / name, line, line.replace("==", "==9"))
        assert affected(root) == here(root, {NOTES, SERVICE, API})
    if (root / CORE_JS).exists():
        text = (root / "pnpm-lock.yaml").read_text("utf-8")
        start = text.index("\n  light-my-request@")
        sha = text[text.index("sha512-", start) :][:20]
        edit(root / "pnpm-lock.yaml", sha, f"sha512-{'A' * 13}")
        assert affected(root) == here(root, {NOTES_JS, SERVICE_JS, WEB})


def test_another_base_another_head_and_why(root: Path) -> None:
    owner = API if (root / API).exists() else WEB
    run(root, "git", "checkout", "--quiet", "-b", "topic/it")
    (root / owner / "src/new.txt").write_text("", "utf-8")
    commit(root)
    assert affected(root) == {owner}
    assert affected(root, "BASE=topic/it") == set()
    assert affected(root, "BASE=topic/it~1", "HEAD=topic/it") == {owner}
    assert affected(root, "HEAD=topic/it~1") == set()
    said = run(root, "make", "affected", f"WHY={owner}")
    assert f"{owner} ← src/new.txt" in said
    assert "base: " in said and "main, the default branch" in said
    # A value is data.
    for value in ("$(shell touch /tmp/never)", "-x", "`x`", "a b", "'"):
        said = run(root, "make", "affected", f"BASE={value}", code=2)
        assert "is not a commit here; correct it, or fetch it: git fetch origin" in said
        assert "Traceback" not in said
    run(root, "git", "checkout", "--quiet", "main")
    run(root, "git", "branch", "--quiet", "-D", "topic/it")


def test_a_clone_of_one_commit(root: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{root}", clone], check=True)
    assert "(origin/HEAD, the default branch)" in run(clone, "make", "affected")
    said = run(clone, "make", "affected", "BASE=HEAD~1", code=2)
    assert "BASE=HEAD~1: is not a commit here" in said
