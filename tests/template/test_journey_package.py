"""The second job, as a person does it: add a package on any day, and take it away again."""

import json
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.baking import changed, environment, files, own_template, run

pytestmark = pytest.mark.slow

# Nothing listens there: whatever asks an index fails at once.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
NO_NETWORK = {
    **dict.fromkeys(PROXIES, "http://127.0.0.1:9"),
    **{"NO_PROXY": "", "no_proxy": "", "UV_HTTP_RETRIES": "0"},
}


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return all that git would keep of each file."""
    ignored = {".venv", "node_modules", "dist", "build", "__pycache__"}
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
        "shared/py/service",
    ]
    ports = [row["port"] for row in listed["packages"] if row["port"]]
    assert len(ports) == len(set(ports)) == 4

    after = contents(ready)
    assert {name for name in before if before[name] != after[name]} == {"pnpm-lock.yaml"}
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
        assert not (ready / "docs").exists()
    finally:
        shutil.rmtree(kind.parent)
    run(ready, "make", "lock")
    assert contents(ready) == before
