"""What requirements files ask for is the same afterwards: the versions, by real resolutions."""

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import constraints, hashes, workspace
from monorepo.core.naming import fold
from monorepo.migrating import report, requirements, requirements_files
from monorepo.migrating.report import Report
from monorepo.migrating.requirements_files import Status
from monorepo.programs import indexes
from monorepo.syncing import sync
from monorepo.system import text_files
from monorepo.system.errors import UsageError

ROOT = """\
[project]
name = "acme"
version = "0"

[tool.monorepo]
namespace = "acme"
python = "3.11"
python-env = "shared"
license = "MIT"
author-name = "Ann"
author-email = "ann@example.com"

[tool.ruff]
line-length = 100
"""
PYTORCH = "https://download.pytorch.org/whl/cpu"
OLDER = "NumPy==2.1.0 ; python_version < '3.12'"
NEWER = "numpy==2.2.0 ; '3.12' <= python_version"
CORE = """\
[project]
name = "acme-core"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []

[tool.monorepo]
about = "x"
"""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no index."""
    monkeypatch.setenv("OFFLINE", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a small repository with one shared package."""
    texts = {
        "pyproject.toml": ROOT,
        "constraints.txt": "# The pins.\nidna==3.4\npytest==8.0\n",
        "shared/py/core/pyproject.toml": CORE,
        "shared/py/core/src/acme_core/__init__.py": "import idna\n",
        "shared/py/core/src/acme_core/audio/__init__.py": "",
        "shared/py/core/src/acme_core/audio/cut.py": "def f():\n    import os, numpy as np\n",
        "shared/py/core/src/acme_core/web.py": '"""import torch"""\nfrom bs4 import x\n',
    }
    for path, text in texts.items():
        write(tmp_path, path, text)
    return tmp_path


def write(root: Path, path: str, text: str) -> str:
    """Write a file; return its path."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def migrate(root: Path, *files: str, dry_run: bool = False) -> Report:
    """Migrate files to the shared package."""
    space = workspace.load(root)
    return requirements.migrate(space, files, "shared/py/core", dry_run=dry_run)


def rows(done: Report) -> list[tuple[int, str]]:
    """Return number and status of the lines of the first file."""
    return [(line.number, line.status.value) for line in done.files[0].lines]


def test_a_file_becomes_pins_an_index_and_extras(root: Path) -> None:
    file = write(
        root,
        "old/requirements.txt",
        "--extra-index-url https://me:s3cret@download.pytorch.org/whl/cpu\n"
        f"idna==3.7\n{OLDER}\n{NEWER}\nbeautifulsoup4==4.12.3 --hash=sha256:aa\n"
        "torch==2.7.1+cpu\nrequests[socks]>=2\n-c limits.txt\n",
    )
    write(root, "old/limits.txt", "requests<3\nurllib3==2.2.1\n")
    done = migrate(root, file)
    assert rows(done) == [
        *((1, "suspicious"), (2, "kept"), (3, "kept"), (4, "kept"), (5, "changed"), (6, "kept")),
        *((7, "suspicious"), (8, "changed")),
    ]
    assert "s3cret" not in report.as_json(done) + report.as_text(done)
    first = done.files[0].lines[0]
    assert "has a secret, which is not kept" in first.why
    assert "set UV_INDEX_PYTORCH_CPU_USERNAME and UV_INDEX_PYTORCH_CPU_PASSWORD" in first.why
    text = text_files.read(root, "constraints.txt")
    sources = [hashes.source(one.path, one.sha256) for one in done.files]
    assert hashes.sources(text) == sources
    assert sources[0].startswith("# from old/requirements.txt sha256:")
    assert hashes.pin_lines(text) == [
        *("beautifulsoup4==4.12.3", "idna==3.7"),
        'numpy==2.1.0 ; python_version < "3.12"',
        'numpy==2.2.0 ; "3.12" <= python_version',
        *("pytest==8.0", "torch==2.7.1+cpu", "urllib3==2.2.1"),
    ]
    assert not list(constraints.misfits(text))
    assert done.replaced == {"idna==3.4": "idna==3.7"}
    (index,) = indexes.read(root)
    expected = indexes.Index(
        "pytorch-cpu", "https://download.pytorch.org/whl/cpu", ("torch",), True
    )
    assert index == expected
    package = workspace.load(root).packages["shared/py/core"]
    assert package.extras == {
        "audio": [OLDER, NEWER],
        "web": ["beautifulsoup4==4.12.3"],
        "legacy-cpu": [
            "idna==3.7",
            *(OLDER, NEWER),
            *("beautifulsoup4==4.12.3", "torch==2.7.1+cpu", "requests[socks]>=2", "requests<3"),
        ],
    }
    assert list(package.requirements()) == ["idna==3.7"]
    assert package.settings == {"about": "x", "legacy": ["legacy-cpu"]}


def test_a_second_run_changes_nothing_and_a_dry_run_neither(root: Path) -> None:
    file = write(root, "r.txt", "idna==3.7\nnumpy==2.1.0\n")
    before = text_files.read(root, "constraints.txt")
    assert any("idna==3.7" in line for line in migrate(root, file, dry_run=True).changes)
    assert text_files.read(root, "constraints.txt") == before
    assert len(migrate(root, file).changes) == len(("constraints.txt", "pyproject.toml"))
    assert migrate(root, file).changes == []


def test_a_mistake_changes_nothing(root: Path) -> None:
    for files, holder in (([str(root / "none")], "shared/py/core"), ([], "shared/py/none")):
        with pytest.raises(UsageError):
            requirements.migrate(workspace.load(root), files, holder, dry_run=False)


@pytest.mark.parametrize(
    ("text", "status", "why"),
    [
        ("discord==2\ndiscord.py==2.3", "suspicious", "same module as discord"),
        ("psycopg2==2.9\npsycopg2-binary==2.9", "suspicious", "same module"),
        ("opencv-python==4\nopencv-python-headless==4", "suspicious", "same module"),
        ("idna==3\nidna==4", "suspicious", "another version"),
        ("idna==3 ; python_version<'3'\nidna==4 ; python_version>='3'", "kept", ""),
        ("idna==3\nidna==3.*", "suspicious", "not pinned"),
        ("idna==3\nidna==4 ; extra == 'x'", "suspicious", "extra"),
        ("idna==3\ntorch==2+cu121", "suspicious", "no index"),
        ("idna==3\n-i https://pypi.org/simple/", "kept", "usual"),
        ("idna==3\n-i https://pypi.corp.example/simple", "suspicious", "UV_DEFAULT_INDEX"),
        (
            "idna==3\n--extra-index-url https://pypi.corp.example/simple",
            "suspicious",
            "indexes.corp]",
        ),
        ("idna==3\n--trusted-host x", "suspicious", "certificates"),
        ("idna==3\n--require-hashes", "kept", "always"),
    ],
)
def test_what_is_odd_is_told(root: Path, text: str, status: str, why: str) -> None:
    line = migrate(root, write(root, "r.txt", text), dry_run=True).files[0].lines[-1]
    assert (line.status, why in line.why) == (status, True), line.why


def test_a_limit_on_what_no_line_requires_is_not_lost_silently(root: Path) -> None:
    write(root, "c.txt", "other<2\n")
    done = migrate(root, write(root, "r.txt", "-c c.txt\n"), dry_run=True)
    assert done.files[1].lines[0].status is Status.UNKNOWN
    assert not done.is_complete


def test_exit_codes_and_json(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_equip", lambda _options: None)
    words = ["--root", str(root), "migrate", "requirements", "--format", "json"]
    assert cli.main([*words, write(root, "r.txt", "idna==3.7\n")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"] == {"kept": 1, "changed": 0, "not-understood": 0, "suspicious": 0}
    assert found["files"][0]["lines"] == [{"line": 1, "text": "idna==3.7", "status": "kept"}]
    assert cli.main([*words[:-2], write(root, "r.txt", "idna==3.7\nidna==3.8\n")]) == 0
    assert "make lock would fail: " in capsys.readouterr().out
    assert cli.main([*words, write(root, "r.txt", "some words\n")]) == 1
    assert json.loads(capsys.readouterr().out)["summary"]["not-understood"] == 1
    assert cli.main([*words, str(root / "none.txt")]) == len(("none.txt", "is wrong input"))
    assert "none.txt: No such file" in capsys.readouterr().err


def wheel(folder: Path, name: str, version: str, *requires: str, extras: str = "") -> None:
    """Write a wheel with metadata alone."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in extras.split())
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    files = {
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text)}\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            file.writestr(path, text)


def resolved(folder: Path, version: str, words: Iterable[str]) -> dict[str, str]:
    """Return the versions that uv resolves for a version of Python, without an index."""
    program = str(Path(sys.executable).with_name("uv"))
    command = [program, "pip", "compile", "-q", "--no-index", "--find-links", str(folder)]
    command += ["--no-header", "--no-annotate", "--python-version", version, "--no-build"]
    command += ["--no-cache", "--no-config", "--python", sys.executable, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith("-")]
    return {hashes.name_of(line): hashes.version_of(line) for line in lines}


FILES = {
    "frozen": {
        "r.txt": "aa[fast]==1.0\nbb==2.0; python_version < '3.12'  # old\n"
        "bb==2.1; '3.12' <= python_version\ncc==1.1\n"
    },
    "nested, with limits": {
        "r.txt": "-r base.txt\nbb\n",
        "base.txt": "\ufeffaa>=1\n-c limits.txt\n",
        "limits.txt": "# all that was tested\naa<2\nbb==2.0\ncc==1.0\n",
    },
    "loose": {"r.txt": "aa<2\nbb!=2.1\ncc>=1.0,<1.1  # why\n"},
    "local versions and prereleases": {"r.txt": "dd==3.0+cpu\ncc==1.2rc1\n"},
    "names in other spellings": {
        "r.txt": "A-A==1.0\nBB == 2.0 ; 'lin' in sys_platform\nBB==2.1 ; sys_platform == 'win32'\n"
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_the_same_versions_as_before(root: Path, kind: str) -> None:
    index = root / "wheels"
    index.mkdir()
    for version in ("1.0", "1.5", "2.0"):
        wheel(index, "aa", version, "cc", "bb ; extra == 'fast'", extras="fast")
        wheel(index, "a_a", version, "cc")
    for version in ("2.0", "2.1", "3.0"):
        wheel(index, "bb", version)
    for version in ("1.0", "1.1", "1.2rc1", "1.2"):
        wheel(index, "cc", version)
    for version in ("3.0", "3.0+cpu"):
        wheel(index, "dd", version, "bb<3")
    for path, text in FILES[kind].items():
        write(root, f"old/{path}", text)
    old = str(root / "old/r.txt")
    versions = ("3.11", "3.13")
    before = {version: resolved(index, version, [old]) for version in versions}
    assert all(before.values())
    assert migrate(root, old).is_complete
    new = [str(root / "shared/py/core/pyproject.toml"), "--extra", "legacy-cpu"]
    new += ["-c", str(root / "constraints.txt")]
    # What is declared for direct use is none of the old file's.
    assert {version: resolved(index, version, new) for version in versions} == before


SPELLINGS = (
    "n0==1.0",
    "N_1 == 1.0 ; python_version > '3'",
    "n2[x]==1.0;'lin' in sys_platform",
    "n3>=1, <2  # why",
    "n4 (==1.0)",
    "\tn5===1.0",
    "n6==1.0 ; '3' <= python_version",
    "n7 ~= 1.0\t# -r no",
    "n8==1.0 ; sys_platform == 'win32'",
    "-r=more.txt",
    "--requirement ./more/most.txt",
    "--pre",
    "--no-binary none",
)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-8"])
def test_requirements_are_those_of_uv(root: Path, end: str, codec: str) -> None:
    index = root / "wheels"
    index.mkdir()
    for number in range(11):
        wheel(index, f"n{number}" if number != 1 else "n_1", "1.0")
    write(root, "more.txt", "n9\n")
    write(root, "more/most.txt", "n10==1.0\n-r ../more.txt\n")
    file = root / "r.txt"
    file.write_bytes(end.join([*SPELLINGS, ""]).encode(codec))
    ours = [line for one in requirements_files.read([str(file)]) for line in one.lines]
    assert not [line for line in ours if line.status is Status.UNKNOWN]
    wanted = [line.requirement for line in ours if line.requirement]
    names = {fold(one.name) for one in wanted if one.name != "n8"}
    assert resolved(index, "3.11", [str(file), "--no-deps"]).keys() == names


EDN = """\
{:package/name "acme-core" ; the name
 :package/version "0.1.0"
 :lang :python
 :runtimes/targets ["python>=3.11"]
 ; what all need
 :extras {:web ["httpx>=0.28"]}}
"""


def test_a_manifest_in_edn_decides_and_keeps_its_bytes(root: Path) -> None:
    write(root, "shared/py/core/package.edn", EDN)
    with pytest.raises(UsageError, match=r"is not what package\.edn says; run make sync"):
        migrate(root, write(root, "r.txt", "idna==3.7\n"))
    assert not sync.sync(root).mistakes
    file = write(root, "r.txt", f"{OLDER}\nidna==3.7\nbeautifulsoup4==4.12.3\n")
    migrate(root, file)
    text = text_files.read(root, "shared/py/core/package.edn")
    before, _, after = text.partition('["httpx>=0.28"')
    assert before == EDN.partition('["httpx>=0.28"')[0]
    assert '"beautifulsoup4==4.12.3"' in after
    assert sync.plan(root) == ([], [])
    package = workspace.load(root).packages["shared/py/core"]
    assert package.extras["legacy-cpu"] == [OLDER, "idna==3.7", "beautifulsoup4==4.12.3"]
    assert package.extras["web"] == ["httpx>=0.28", "beautifulsoup4==4.12.3"]
    assert list(package.requirements()) == ["idna==3.7"]
    assert package.legacy == ["legacy-cpu"]
    assert migrate(root, file).changes == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"service.edn": "{}"}, "has a service.edn"),
        (
            {"pyproject.toml": CORE.replace("dependencies = []", 'dynamic = ["dependencies"]')},
            "are",
        ),
        (
            {"pyproject.toml": CORE.replace("dependencies", 'optional-dependencies.a = ["x"]\n#')},
            "",
        ),
        ({"package.edn": "{"}, "package.edn:1"),
    ],
)
def test_a_package_that_cannot_have_extras_is_left_as_it_is(
    root: Path, files: dict[str, str], why: str
) -> None:
    for path, text in files.items():
        write(root, f"shared/py/core/{path}", text)
    before = text_files.read(root, "shared/py/core/pyproject.toml")
    file = write(root, "r.txt", "idna==3.7\n")
    if why:
        with pytest.raises(UsageError, match=why):
            migrate(root, file)
        assert text_files.read(root, "shared/py/core/pyproject.toml") == before
    else:
        migrate(root, file)
        extras = workspace.load(root).packages["shared/py/core"].extras
        assert extras == {"a": ["x"], "legacy-cpu": ["idna==3.7"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        # The first that has a name is asked for it.
        (
            f"--extra-index-url {PYTORCH}\n--extra-index-url {PYTORCH[:-3]}cu121\n"
            "torch==2.7.1+cu121\ntorchvision==0.22\n",
            {"pytorch-cpu": ("torch", "torchvision")},
        ),
        (f"--extra-index-url {PYTORCH}\ntorch==2.7.1+cpu\n", {"pytorch-cpu": ("torch",)}),
        # The torch that it requires has to come from there, too.
        (f"--extra-index-url {PYTORCH}/\ntorchvision\n", {"pytorch-cpu": ("torch", "torchvision")}),
        (
            "--extra-index-url https://a.example.org/cpu\n--extra-index-url https://b.example.org/cpu\n"
            "x==1+cpu\n",
            {"example-cpu": ("x",)},
        ),
        ("--extra-index-url https://a.example.org/cpu\nx==1\n", {}),
    ],
)
def test_each_name_has_one_index(root: Path, text: str, names: dict[str, tuple[str, ...]]) -> None:
    migrate(root, write(root, "r.txt", text))
    assert {index.name: index.patterns for index in indexes.read(root)} == names
    # They stay when another file is brought in.
    migrate(root, write(root, "s.txt", "--extra-index-url https://c.example.com/cpu\ny==1+cpu\n"))
    found = {index.name: index.patterns for index in indexes.read(root)}
    assert found.items() >= names.items()
    assert ("y",) in found.values()


@pytest.mark.parametrize(
    ("url", "status", "why"),
    [
        ("http://[::1", "not-understood", "is not the address"),
        ("file:///wheels", "not-understood", "is not the address"),
        ("https://${HOST}/cpu", "not-understood", "variable"),
        ("https://h/Ab1Ab1Ab1Ab1Ab1Ab1Ab1/cpu", "not-understood", "which a commit would publish"),
        ("https://${USER}:${TOKEN}@h/cpu", "changed", "set UV_INDEX_CPU_USERNAME"),
        ("https://me:s3cret@pypi.org/simple", "suspicious", "has a secret"),
    ],
)
def test_the_address_of_an_index_has_no_secret(root: Path, url: str, status: str, why: str) -> None:
    done = migrate(root, write(root, "r.txt", f"x==1+cpu\n--extra-index-url {url}\n"))
    line = done.files[0].lines[1]
    assert (line.status, why in line.why) == (status, True), line
    texts = [text_files.read(root, path) for path in ("pyproject.toml", "constraints.txt")]
    assert not [text for text in texts if "Ab1" in text or "TOKEN" in text or "s3cret" in text]


def test_any_build_of_a_version_is_suspicious(root: Path) -> None:
    text = f"torch==2.7.1\n--extra-index-url {PYTORCH}\n"
    done = migrate(root, write(root, "r.txt", text), dry_run=True)
    assert "write ==2.7.1+cpu, which no other index has" in done.files[0].lines[0].why


def test_a_pin_that_the_file_of_pins_cannot_hold_is_not_lost_silently(root: Path) -> None:
    text = "idna==3.7 ; platform_version == 'a\\\\b'\n"
    (line,) = migrate(root, write(root, "r.txt", text)).files[0].lines
    assert "constraints.txt cannot hold its marker" in line.why
    assert not list(constraints.misfits(text_files.read(root, "constraints.txt")))


def test_names_of_files_are_data(root: Path) -> None:
    file = write(root, "old/a\nevil==1\n\x1b[31m.txt", "idna==3.7\n")
    done = migrate(root, file)
    text = text_files.read(root, "constraints.txt")
    assert hashes.pin_lines(text) == ["idna==3.7", "pytest==8.0"]
    assert len(hashes.sources(text)) == 1
    assert "\x1b" not in report.as_text(done)


def test_the_default_package_and_files_of_make(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_equip", lambda _options: None)
    words = ["--root", str(root), "migrate", "requirements"]
    assert cli.main(words) == len(("no file", "is wrong use"))
    assert "FILES: names no file" in capsys.readouterr().err
    first, second = write(root, "a b.txt", "idna==3.7\n"), write(root, "c.txt", "attrs==24.2.0\n")
    monkeypatch.setenv("FILES", f"'{first}' {second}")
    assert cli.main(words) == 0
    assert "2 files, 2 pins" in capsys.readouterr().out
    monkeypatch.setenv("PKG", "shared/py/none")
    assert cli.main(words) == len(("no package", "is wrong use"))
    (root / "shared").rename(root / "gone")
    monkeypatch.setenv("PKG", "")
    assert cli.main(words) == len(("no package", "is wrong use"))
    assert "shared/py/core" in capsys.readouterr().err


def test_files_elsewhere_are_named_from_the_folder_that_they_have_in_common(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = tmp_path_factory.mktemp("old")
    write(old, "common.txt", "idna==3.7 --hash=sha256:aa\n")
    files = [
        write(old, f"services/{name}/requirements.txt", f"-r ../../common.txt\nx==1\n{text}\n")
        for name, text in {"api": "httpx==0.27.0", "web": "httpx==0.28.1\n-r none.txt"}.items()
    ]
    done = migrate(root, *files)
    shown = [file.path for file in done.files]
    assert shown == [
        *("services/api/requirements.txt", "common.txt", "services/web/requirements.txt")
    ]
    assert done.files[0].lines[0].to == "common.txt"
    assert done.blocking == ["services/web/requirements.txt:3: httpx==0.28.1"]
    text = report.as_text(done)
    assert str(old) not in text + report.as_json(done) + text_files.read(root, "constraints.txt")
    assert "none.txt: No such file" in text
    assert "sha256:aa" not in text
    assert "common.txt: 1 lines have hashes: make lock records" in text


def test_a_pin_that_another_says_for_all_machines_is_written_once(root: Path) -> None:
    text = "x==1\nx==1 ; sys_platform == 'win32'\ny\npytest\n"
    done = migrate(root, write(root, "r.txt", text), dry_run=True)
    assert done.pins == ["x==1"]
    reasons = [line.why for line in done.files[0].lines[2:]]
    assert reasons == [
        "is not pinned; make lock chooses a version",
        "is not pinned; constraints.txt has 8.0",
    ]
