"""A requirements file of sixty pins comes to a new repository, in which all goes on to work."""

import json
import re
import sys
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.core.naming import fold
from tests.template.baking import attempt, bake, commit, edit, run

pytestmark = pytest.mark.slow

CORE = "shared/py/core"
# As such files are: in any spelling and order, with a marker here and there.
GOD_FILE = """\
# everything that anything of ours needs
-r more/data.txt
requests==2.32.3
urllib3==2.2.3      # not 2.3: the proxy
certifi==2024.8.30
charset-normalizer==3.4.0
idna==3.20
click==8.1.7
Jinja2==3.1.4
MarkupSafe==2.1.5
itsdangerous==2.2.0
Werkzeug==3.0.4
Flask==3.0.3
blinker==1.8.2
PyYAML==6.0.2
python-dateutil==2.9.0.post0
six==1.16.0
pytz==2024.2
tzdata==2024.1
attrs==24.2.0 \\
    # a continued line
jsonschema==4.26.0
jsonschema-specifications==2023.12.1
referencing==0.37.0
rpds-py==0.27.1
beautifulsoup4==4.12.3
soupsieve==2.6
lxml==5.3.0
redis==5.0.8
async-timeout==4.0.3; python_full_version < '3.11.3'
tqdm==4.66.5
tabulate==0.9.0
colorama==0.4.6 ; 'win' in sys_platform
loguru==0.7.2
tenacity==8.5.0
cachetools==5.5.0
pycparser==2.22
cffi==1.17.1
cryptography==43.0.1
PyJWT==2.9.0
bcrypt==4.2.0
passlib[bcrypt]==1.7.4
simplejson==3.19.3
humanize==4.10.0
python-slugify==8.0.4
text-unidecode==1.3
jmespath==1.0.1
boto3==1.35.0
botocore==1.35.0
s3transfer==0.10.2
gunicorn==23.0.0
packaging==26.0
"""
DATA = """\
ujson==5.10.0
orjson==3.10.7
msgpack==1.1.0
xlrd==2.0.1
openpyxl==3.1.5
et-xmlfile==1.1.0
Markdown==3.7
Pygments==2.18.0
toolz==0.12.1
sortedcontainers==2.4.0
"""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def named(text: str) -> set[str]:
    """Return the names in the lines of a requirements file."""
    rows = re.findall(r"^([A-Za-z0-9][\w.-]*)", text, re.MULTILINE)
    return {fold(name) for name in rows}


LINES = named(GOD_FILE) | named(DATA)


def by_uv(root: Path, python: str, *words: object) -> dict[str, str]:
    """Return the versions that uv resolves of the lines; none if it finds no solution."""
    command = [root / ".venv/bin/uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += ["--python-version", python, "--only-binary", ":all:"]
    done = attempt(root, *command, *words)
    assert done.returncode == 0 or "No solution found" in done.stdout, done.stdout
    pins = hashes.read_pins(done.stdout) if done.returncode == 0 else {}
    return {name: hashes.version_of(pins[name][0]) for name in LINES & pins.keys()}


def by_pip(root: Path, report: Path, *words: object) -> dict[str, str]:
    """Return the versions that pip resolves of the lines."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    run(root, *command, "--report", report, *words)
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    versions = {fold(one["metadata"]["name"]): one["metadata"]["version"] for one in found}
    return {name: versions[name] for name in LINES & versions.keys()}


def test_a_god_file_becomes_an_extra_with_which_all_goes_on_to_work(tmp_path: Path) -> None:
    """A35: pins, extras and a report of each line; the same versions as before."""
    root, old = bake(tmp_path), tmp_path / "old/requirements.txt"
    (old.parent / "more").mkdir(parents=True)
    old.write_bytes(GOD_FILE.replace("\n", "\r\n").encode())
    (old.parent / "more/data.txt").write_text(DATA, encoding="utf-8-sig")
    commit(root)
    wanted = ("make", "migrate-requirements", f"FILES={old}")
    planned = run(root, *wanted, "DRY_RUN=1")
    assert "+legacy-cpu = [" in planned
    assert run(root, "git", "status", "--porcelain") == ""
    done = run(root, *wanted)
    assert "0 not-understood, 0 suspicious" in done, done
    assert done.count(" is now ") > 0
    package = workspace.load(root).packages[CORE]
    assert {workspace.requirement(text).name for text in package.extras["legacy-cpu"]} == LINES

    # The same versions as before, line for line, by two resolvers.
    asked = f"{CORE}/pyproject.toml", "--extra", "legacy-cpu", "-c", "constraints.txt"
    before = {python: by_uv(root, python, old) for python in PYTHONS}
    assert {python: by_uv(root, python, *asked) for python in PYTHONS} == before
    # Of some there are no wheels for newer ones.
    rest = len(LINES) - len(("async-timeout", "colorama", "tzdata"))
    assert sum(len(found) > rest for found in before.values()) > 1
    versions = by_pip(root, tmp_path / "before.json", "-r", old)
    now = f"./{CORE}[legacy-cpu]"
    assert by_pip(root, tmp_path / "now.json", now, "-c", "constraints.txt") == versions

    # A service that still needs all of it asks for it.
    manifest = root / "services/py/api/pyproject.toml"
    old_line, new_line = '    "acme-notes[fastapi]",\n', '    "acme-core[legacy-cpu]",\n'
    edit(manifest, old_line, new_line + old_line)
    run(root, "make", "lock", "install")
    pins = hashes.pins(root)
    assert versions == {name: hashes.version_of(pins[name][0]) for name in versions}
    # That is all that a rule finds, and the baseline accepts it.
    found = run(root, "make", "guard", code=2).splitlines()
    assert [line for line in found if line[:1] not in ("m", "")] == [
        f"{manifest.relative_to(root)}:20: legacy: requests acme-core[legacy-cpu], which is for a"
        " migration only; ask for the extras that take its place"
    ]
    run(root, ".venv/bin/python", "-m", "monorepo", "guard", "--baseline")
    run(root, "make", "check", "lock-check")
    run(root, "make", "smoke", "PKG=services/py/api")
    commit(root)

    # A second time, it has nothing to say.
    done = run(root, *wanted)
    assert "0 not-understood, 0 suspicious" in done
    assert run(root, "git", "diff", "--stat", "--", CORE, "pyproject.toml") == ""
