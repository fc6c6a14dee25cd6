"""The second job, as a person does it: add a package on any day, and take it away again."""

import json
import os
import pty
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.template.baking import (
    SHAPES,
    bake,
    changed,
    commit,
    environment,
    files,
    own_template,
    run,
)

pytestmark = pytest.mark.slow

# Nothing listens there: whatever asks an index fails at once.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
NO_NETWORK = {
    **dict.fromkeys(PROXIES, "http://127.0.0.1:9"),
    **{"NO_PROXY": "", "no_proxy": "", "UV_HTTP_RETRIES": "0"},
}


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return all that git would keep of each file."""
    ignored = {".venv", ".nox", "node_modules", "dist", "build", "__pycache__"}
    return {
        name: ((root / name).read_bytes(), (root / name).stat().st_mode)
        for name in files(root)
        if not ignored & set(Path(name).parts)
        and not re.search(r"egg-info/|_cache/|\.hypothesis/|htmlcov/|\.coverage", name)
    }


def test_every_kind_works_at_once_and_leaves_no_trace(ready: Path) -> None:
    before = contents(ready)
    added = {
        "shared/py/audio": "shared/py/core shared/py/service[fastapi]",
        "shared/js/ui": "shared/js/core",
        "services/py/mail": "shared/py/audio acme-core",
        "services/js/shop": "@acme/ui",
    }
    for path, needed in added.items():
        title = "SET=title='Zoë \"Q\" ${{ x }}'"
        output = run(ready, "make", "new", f"AT={path}", f"DEPS={needed}", title, env=NO_NETWORK)
        assert f"added {path}\n" in output

    run(ready, "make", "lock-check", env=NO_NETWORK)
    run(ready, "make", "check", f"PKG={' '.join(added)}", env=NO_NETWORK)
    assert run(ready, "make", "guard", env=NO_NETWORK).endswith("nothing found\n")
    pnpm = ready / ".venv/bin/pnpm"
    node = {"PATH": f"{ready / '.venv/bin'}:/usr/bin:/bin", "CI": "true"}
    run(ready, pnpm, "install", "--frozen-lockfile", env={**NO_NETWORK, **node})
    assert "services/py/mail  " in run(ready, "make", "smoke", "PKG=services/py/mail")

    listed = json.loads(run(ready, tool(ready), "list", "--format", "json"))
    told = {row["path"]: row for row in listed["packages"]}
    assert told["services/py/mail"]["needs"] == [
        "shared/py/audio",
        "shared/py/core",
        "shared/py/notes",
        "shared/py/service",
    ]
    ports = [row["port"] for row in listed["packages"] if row["port"]]
    assert len(ports) == len(set(ports)) == 4

    after = contents(ready)
    changes = {name for name in before if before[name] != after[name]}
    assert changes == {"pnpm-lock.yaml", "tools/lowest.txt"}
    run(ready, "make", "format")
    assert contents(ready) == after, "a new package is not as the formatter would have it"
    run(ready, "make", "lock")
    assert contents(ready) == after, "the locks are not in step"

    output = run(ready, "make", "remove", "AT=shared/js/ui", code=2)
    assert (
        "monorepo: shared/js/ui: is needed by services/js/shop; remove that dependency first"
        in output
    )
    for path in reversed(added):
        run(ready, "make", "remove", f"AT={path}", env=NO_NETWORK)
    assert contents(ready) == before
    assert changed(ready) == ""


def tool(root: Path) -> Path:
    """Return the command that runs the engine without Make."""
    return root / ".venv/bin/monorepo"


def put(file: Path, old: str, new: str) -> None:
    """Replace a text in a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_set_of_dependencies(tmp_path: Path) -> None:
    """E2 and E3: packages without code or a root project that bring dependencies, in each mode."""
    ml, api = "shared/py/ml-runtime", "services/py/api"
    root = bake(tmp_path, packages=SHAPES["python"])
    run(root, "make", "install")
    commit(root)
    run(root, "make", "new", f"AT={ml}", "TEMPLATE=deps", env=NO_NETWORK)
    run(root, "make", "guard", "lock-check", env=NO_NETWORK)
    commit(root)

    # A package of the repository, one of an index, and one for each variant.
    extras = '[project.optional-dependencies]\ncpu = ["markdown-it-py>=4"]\ngpu = ["humanize>=4"]\n'
    put(root / ml / "pyproject.toml", "[project.optional-dependencies]\n", extras)
    needed = 'dependencies = ["acme-core", "packaging>=26"]'
    put(root / ml / "pyproject.toml", "dependencies = []", needed)
    manifest, main = root / api / "pyproject.toml", root / api / "src/acme_svc_api/main.py"
    put(manifest, "dependencies = [\n", 'dependencies = [\n    "acme-ml-runtime[cpu]",\n')
    imports = "from acme_core import delays\nfrom markdown_it import MarkdownIt\nimport packaging\n"
    put(main, "from acme_service import", f"{imports}from acme_service import")
    parts = "app.state.parts = MarkdownIt, packaging, delays"
    put(main, "return app", f"{parts}; return app")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[tool.monorepo.thin]\nstatements = 40\n")
    run(root, "make", "lock")
    run(root, "make", "format")
    output = run(root, "make", "check", "test-coverage", f"PKG={ml} {api}")
    for target in ("type-check", "test", "test-coverage"):
        assert output.count(f"{target}: there is no code in {ml}\n") == 1
    assert run(root, "make", "guard", "lock-check").count("nothing found\n") == 1
    output = run(root, "make", "-C", ml, "check", "test-coverage", "test", "ARGS=-k nothing")
    assert output.count(": there is no code in this package\n") == 3

    # Only the variant that is requested counts as declared.
    put(manifest, "acme-ml-runtime[cpu]", "acme-ml-runtime[gpu]")
    wanted = "declared.missing: imports markdown_it, which is not declared"
    assert wanted in run(root, "make", "guard", code=2)
    put(manifest, "acme-ml-runtime[gpu]", "acme-ml-runtime[cpu]")

    sessions = run(
        root, ".venv/bin/nox", "-f", f"{ml}/noxfile.py", "-s", "lint", "test-extras", "build"
    )
    assert "install: ./shared/py/core, ./shared/py/ml-runtime[cpu]\n" in sessions
    assert "Sessions not found: test" in run(
        root, ".venv/bin/nox", "-f", f"{ml}/noxfile.py", "-s", "test", code=3
    )
    run(root, "make", "bundle", f"PKG={api}")
    wheels = {one.name.partition("-")[0]: one for one in root.glob(f"{api}/build/bundle/*/*.whl")}
    assert {"acme_core", "acme_ml_runtime", "markdown_it_py", "packaging"} < wheels.keys()
    assert "humanize" not in wheels
    with zipfile.ZipFile(wheels["acme_ml_runtime"]) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {
            "acme_ml_runtime-0.1.0.dist-info"
        }

    for environments in ("per-package", "uv"):
        run(root, "make", "env", f"TO={environments}")
        run(root, "make", "type-check", "lock-check", f"PKG={ml} {api}")
        run(root, "make", "-C", ml, "check")

    assert f"{ml}: is needed by {api}" in run(root, "make", "remove", f"AT={ml}", code=2)
    run(root, "git", "reset", "--quiet", "--hard")
    run(root, "make", "remove", f"AT={ml}")
    assert run(root, "git", "diff", "HEAD~1") == ""


def test_a_dry_run_is_one_whoever_asks_for_it(ready: Path) -> None:
    before = contents(ready)
    output = run(ready, "make", "new", "AT=shared/py/dry", env={**NO_NETWORK, "DRY_RUN": "1"})
    assert "+ shared/py/dry/pyproject.toml" in output
    assert contents(ready) == before


def test_questions_are_asked_on_a_terminal(ready: Path) -> None:
    controller, terminal = pty.openpty()
    try:
        os.write(controller, b'Asked "tools"\n')
        process = subprocess.run(
            [str(tool(ready)), "new", "shared/py/asked"],
            cwd=ready,
            env=environment(),
            stdin=terminal,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert (process.returncode, process.stderr) == (0, "")
    assert "What the module is, in a few words" in process.stdout
    manifest = (ready / "shared/py/asked/pyproject.toml").read_text(encoding="utf-8")
    assert 'description = "Asked \\"tools\\""' in manifest
    run(ready, tool(ready), "remove", "shared/py/asked")
    assert changed(ready) == ""


def test_a_kind_of_the_teams_own(ready: Path) -> None:
    before = contents(ready)
    kind = own_template(ready, "shared-py", "worker")
    questions = json.loads((kind / "cookiecutter.json").read_text(encoding="utf-8"))
    questions |= {
        "queue": ["sqs", "kafka"],
        "_requires": {"shared/py/audio": "shared-py"},
        "_touches": ["docs/workers.md"],
    }
    (kind / "cookiecutter.json").write_text(json.dumps(questions), "utf-8")
    (kind / "touches/docs").mkdir(parents=True)
    (kind / "touches/docs/workers.md").write_text("- {{ cookiecutter.path }}\n", "utf-8")
    package = kind / "{{cookiecutter.name}}"
    (package / "queue.txt").write_text("{{ cookiecutter.queue }}\n", "utf-8")
    manifest = package / "pyproject.toml"
    # Something that no pin covers yet: nothing but `make lock` asks an index for it.
    text = manifest.read_text(encoding="utf-8")
    assert "test = [" in text
    manifest.write_text(text.replace("test = [", 'test = [\n    "tomlkit>=0.15",', 1), "utf-8")
    try:
        words = ("AT=shared/py/mailer", "TEMPLATE=worker", "SET=queue=kafka")
        output = run(ready, "make", "new", *words, code=2)
        assert "monorepo: sub-template worker: tomlkit>=0.15: not pinned; run make lock" in output
        assert "lock: new to this repository: tomlkit" in run(ready, "make", "lock")
        output = run(ready, "make", "new", *words)
        assert "added shared/py/audio\nadded shared/py/mailer\n" in output
        assert (ready / "shared/py/mailer/queue.txt").read_text(encoding="utf-8") == "kafka\n"
        assert (ready / "docs/workers.md").read_text("utf-8") == "- shared/py/mailer\n"
        assert "+tomlkit==" in run(ready, "git", "diff", "constraints.txt")
        run(ready, "make", "lock-check")
        bad = run(ready, "make", "new", "AT=shared/py/x", "TEMPLATE=worker", "SET=queue=x", code=2)
        assert "monorepo: SET=queue: 'x' is not one of sqs, kafka; choose one" in bad
        for path in ("mailer", "audio"):
            run(ready, "make", "remove", f"AT=shared/py/{path}")
        assert not (ready / "docs/workers.md").exists()
    finally:
        shutil.rmtree(kind.parent)
    run(ready, "make", "lock")
    assert contents(ready) == before
