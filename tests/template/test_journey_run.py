"""A script, a manifest and a doctor: `./run`, base_manifest.yaml and `make doctor` in earnest."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, environment, run

pytestmark = pytest.mark.slow

PACKAGES = "shared/py/core services/py/api services/js/web"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo in which each package has an environment of its own; none is made yet."""
    root = bake(tmp_path_factory.mktemp("own"), python_env="per-package", packages=PACKAGES)
    commit(root)
    return root


def printed(root: Path, *words: str, folder: str = ".", **env: str) -> str:
    """Return what `./run` prints on its standard output, which is that of the script alone."""
    command = [str(root / "run"), *words]
    return subprocess.check_output(
        command, cwd=root / folder, env=environment(**env), text=True, input="ours\n"
    )


def test_a_missing_environment_is_made_and_the_script_runs_in_it(own: Path) -> None:
    """D1, D2: that of its package; its output, input and arguments are the script's own."""
    # Outside of packages, the tools are enough.
    assert printed(own, "-c", "import sys; print(sys.prefix)") == f"{own / '.venv'}\n"
    assert [*own.glob("*/*/*/.venv")] == []
    script = own / "services/py/api/scripts/tell.py"
    text = "import json, sys, acme_svc_api, acme_service\n"
    text += "print(json.dumps([sys.argv[1:], sys.prefix, input()]))\n"
    script.write_text(text, encoding="utf-8")
    given = ["--package", "x", "", "a b"]
    api, core = (str(own / path / ".venv") for path in ("services/py/api", "shared/py/core"))
    assert json.loads(printed(own, str(script), *given, PYTHONPATH="/x")) == [given, api, "ours"]
    assert not Path(core).exists() and not (own / "node_modules").exists()
    code = "import sys, acme_core; print(sys.prefix)"
    assert printed(own, "--package", "shared/py/core", "--", "python", "-c", code) == f"{core}\n"
    # By the module, from within another package.
    done = printed(own, "-m", "acme_core.retries", folder="services/py/api")
    assert done == ""
    words = ("--package", "shared/py/core", "--", "pytest", "shared/py/core", "-q", "-k", "none")
    run(own, "./run", *words, code=5)
    run(own / "shared/py/core", "../../../run", "-m", "pytest", "tests/", "-v")
    script.unlink()


def test_javascript_runs_from_its_sources(own: Path) -> None:
    script = own / "services/js/web/tell.ts"
    text = 'import { start } from "@acme/service";\n'
    text += "console.log(JSON.stringify([process.argv.slice(2), typeof start]));\n"
    script.write_text(text, encoding="utf-8")
    assert json.loads(printed(own, str(script), "--port", "")) == [["--port", ""], "function"]
    script.unlink()


def test_what_the_base_manifest_lists_is_pinned_and_installed(own: Path) -> None:
    """C1 and C9: setup refuses what is not pinned, lock pins it, and check changes nothing."""
    run(own, "make", "setup")
    assert "toolz" not in (own / "constraints.txt").read_text(encoding="utf-8")
    manifest = own / "base_manifest.yaml"
    (own / "requirements.txt").write_text("toolz>=1\n", encoding="utf-8")
    manifest.write_text("schema_version: 1\npython: {requirements: [requirements.txt]}\n", "utf-8")
    said = "base_manifest.yaml: python.requirements[1]: requirements.txt:1: toolz"
    assert f"monorepo: {said}: not pinned; run make lock\n" in run(own, "make", "setup", code=2)
    assert f"{said}>=1 is not pinned; run make lock\n" in run(
        own, "make", "-o", "setup", "lock-check", code=2
    )
    assert "manifest.unpinned" in run(own, "make", "doctor", code=2)
    run(own, "make", "lock")
    assert sorted(line[3:] for line in changed(own).splitlines()) == [
        *("base_manifest.yaml", "constraints.txt", "requirements.txt", "tools/hashes.txt"),
    ]
    run(own, "make", "setup")
    assert printed(own, "-c", "import toolz; print('there')") == "there\n"
    run(own, "make", "lock-check", "guard")
    commit(own)


def test_the_doctor_finds_and_mends(own: Path) -> None:
    """C9: it changes nothing unless it is asked to, and works without .venv."""
    run(own, "make", "install")
    shutil.rmtree(own / ".venv")
    shutil.rmtree(own / "services/py/api/.venv")
    before = changed(own)
    said = run(own, "make", "doctor", code=2)
    assert "error  environments.missing: .venv: is missing; make install\n" in said
    assert "error  environments.missing: services/py/api/.venv: is missing; make install" in said
    assert "Traceback" not in said and not (own / ".venv").exists()
    said = run(own, "make", "doctor", "FIX=1")
    assert "$ make install\n" in said and "$ make install-hooks\n" in said
    report = run(own, "sh", "tools/make/monorepo.sh", "doctor", "--format", "json")
    assert {check["status"] for check in json.loads(report)["checks"]} == {"ok"}
    assert changed(own) == before
