"""The third job: prove each package in a clean environment, and see what that catches."""

import re
import sys
from pathlib import Path

import pytest

from tests.template.baking import SHAPES, bake, changed, commit, run

pytestmark = pytest.mark.slow

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NOX = ".venv/bin/nox"


def failed(output: str) -> set[str]:
    """Return the sessions that nox's summary does not call a success, of now or of before."""
    ended = re.findall(r"^nox > \* (\S+): (\w+(?: \(cached)?)", output, re.MULTILINE)
    assert ended, output
    return {name for name, how in ended if how not in ("success", "skipped (cached")}


# What depends on the package runs in all of them, and what depends on its language in one of each.
SLOW = [
    *("build", "test-extras", "test-lowest"),
    *(f"test-coverage(shared/{language}/core)" for language in ("py", "js")),
    "smoke(services/js/web)",
]


@pytest.mark.parametrize("names", [[], SLOW], ids=["quick", "slow"])
def test_a_new_monorepo_is_proven(ready: Path, names: list[str]) -> None:
    # Without a name, what is quick runs, on one Python.
    words = ["-s", *names] if names else []
    assert failed(run(ready, NOX, "-j", "2", *words)) == set()
    assert changed(ready) == "", "a session has changed what git tracks"


@pytest.mark.parametrize("path", ["shared/py/core", "shared/js/core"])
def test_each_language_has_its_own_sessions(ready: Path, path: str) -> None:
    folder = ready / path
    nox = ready / NOX
    first = run(folder, nox, env={"CACHE": "0"})
    assert failed(first) == set()
    assert len(re.findall("^nox > Running session", first, re.MULTILINE)) == 3
    again = run(folder, nox, env={"CACHE": "0"})
    assert failed(again) == set()
    assert "cached" not in first + again
    assert "install: ./" not in again, "an environment was filled though nothing has changed"


def test_any_nox_will_do(tmp_path: Path) -> None:
    # The one of another environment, in a fresh clone where nothing is set up.
    out = tmp_path / "a folder with späces"
    out.mkdir()
    root = bake(out, packages=SHAPES["python-services"])
    commit(root)
    names = [f"test-{PYTHON}(services/py/api)", "type-check(shared/py/service)"]
    assert failed(run(root, sys.executable, "-m", "nox", "-s", *names)) == set()


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    """Replace texts, each of which must be there, in a file; `("", text)` adds at its end."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for old, new in pairs:
        assert old in text, f"{file} has no {old}"
        text = text.replace(old, new) if old else text + new
    file.write_text(text, encoding="utf-8")


def prove(root: Path, session: str, *, code: int) -> str:
    return run(root, NOX, "-s", session, code=code)


@pytest.fixture
def planted(ready: Path) -> Path:
    """Return the ready monorepo, as it was committed; whatever a test plants is for itself."""
    run(ready, "git", "checkout", "--quiet", ".")
    run(ready, "git", "clean", "--quiet", "-fd")
    return ready


def test_an_undeclared_import_is_caught(planted: Path) -> None:
    source = planted / "shared/py/core/src/acme_core/retries.py"
    edit(source, ("from itertools import acc", "import yaml\nfrom itertools import acc"))
    # It is in the environment that all packages share, by luck.
    run(planted, "make", "test", "PKG=shared/py/core")
    output = prove(planted, f"test-{PYTHON}(shared/py/core)", code=1)
    assert "No module named 'yaml'" in output


def test_a_missing_extra_is_caught(planted: Path) -> None:
    manifest = planted / "services/py/api/pyproject.toml"
    edit(manifest, ('"acme-service[fastapi]"', '"acme-service"'))
    output = prove(planted, f"test-{PYTHON}(services/py/api)", code=1)
    assert 'add "acme-service[fastapi]" to the dependencies' in output


def test_a_wrong_lower_bound_is_caught(planted: Path) -> None:
    package = planted / "shared/py/service"
    edit(package / "pyproject.toml", ('    "uvicorn>=', '    "packaging>=20",\n    "uvicorn>='))
    edit(
        package / "src/acme_service/fastapi/__init__.py",
        (
            "    import uvicorn as",
            "    import packaging.licenses  # noqa: F401\n    import uvicorn as",
        ),
    )
    prove(planted, f"test-{PYTHON}(shared/py/service)", code=0)
    said = (
        "tools/lowest.txt: the lowest versions are not up to date for shared/py/service; run make"
    )
    assert said in prove(planted, "test-lowest(shared/py/service)", code=1)
    said = "shared/py/service: packaging>=20 does not resolve below 22.0; write >=22.0"
    assert f"lock: {said}\n" in run(planted, "make", "lock")
    output = prove(planted, "test-lowest(shared/py/service)", code=1)
    assert re.search(r"^\| packaging +\| [0-9.]+ +\| 22\.0 +\|$", output, re.MULTILINE)
    assert "No module named 'packaging.licenses'" in output


def test_a_file_missing_from_the_wheel_is_caught(planted: Path) -> None:
    edit(planted / "shared/py/core/src/acme_core/words.txt", ("", "one two\n"))
    output = prove(planted, "build(shared/py/core)", code=1)
    assert "shared/py/core: the wheel lacks src/acme_core/words.txt" in output
    edit(
        planted / "shared/py/core/pyproject.toml",
        ('"*" = ["py.typed"]', '"*" = ["py.typed", "*.txt"]'),
    )
    prove(planted, "build(shared/py/core)", code=0)
    # Nor does it help that an earlier build had it.
    run(planted, "git", "checkout", "--quiet", "shared/py/core/pyproject.toml")
    prove(planted, "build(shared/py/core)", code=1)


def test_an_extra_that_is_not_named_is_caught(planted: Path) -> None:
    package = planted / "shared/py/core"
    edit(package / "pyproject.toml", ("dependencies]\n", 'dependencies]\nyaml = ["pyyaml>=6"]\n'))
    module = package / "src/acme_core/loading.py"
    edit(module, ("", "import yaml  # noqa: F401\n"))
    output = prove(planted, "test-extras(shared/py/core)", code=1)
    assert "acme_core.loading: does not import without extras" in output
    module.write_text(
        "try:\n    import yaml  # noqa: F401\nexcept ImportError as error:\n"
        '    raise ImportError("acme_core.loading needs acme-core[yaml]") from error\n',
        encoding="utf-8",
    )
    prove(planted, "test-extras(shared/py/core)", code=0)


def test_an_undeclared_import_in_javascript_is_caught(planted: Path) -> None:
    edit(planted / "shared/js/core/src/index.ts", ("", 'import "publint";\n'))
    # The root has it, for itself.
    run(planted, "make", "test", "PKG=shared/js/core")
    for task, said in (("test", "find package 'publint'"), ("build", "module 'publint'")):
        assert said in prove(planted, f"{task}(shared/js/core)", code=1)


def test_a_file_missing_from_the_packed_file_is_caught(planted: Path) -> None:
    # npm packs what `main` names, whatever `files` says.
    manifest = planted / "services/js/web/package.json"
    edit(manifest, ('  "main": "./dist/main.js",\n', ""), ('    "dist",', '    "dist/app.js",'))
    output = prove(planted, "build(services/js/web)", code=1)
    assert "services/js/web: the packed file lacks dist/main.js" in output


def test_an_environment_follows_the_pins(planted: Path) -> None:
    session = f"test-{PYTHON}(shared/py/core)"
    prove(planted, session, code=0)
    assert "install: ./" not in prove(planted, session, code=0)
    other = planted / "shared/py/service/pyproject.toml"
    edit(other, ("pytest-cov>=7.0", "pytest-cov>=7.0,<7.1"))
    run(planted, "make", "lock")
    assert "install: ./shared/py/core" in prove(planted, session, code=0)
    folder = f"test-{PYTHON.replace('.', '-')}-shared-py-core"
    assert list(planted.glob(f".nox/{folder}/**/pytest_cov-7.0.0.dist-info"))
    # The pins of other packages are none of its business.
    (asked,) = re.findall(r"uvicorn>=[\d.]+", other.read_text(encoding="utf-8"))
    edit(other, (asked, f"{asked},<0.54"))
    assert "| uvicorn " in run(planted, "make", "lock")
    assert "install: ./shared/py/core" not in prove(planted, session, code=0)
