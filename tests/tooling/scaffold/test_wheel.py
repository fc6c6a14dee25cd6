"""The wheel of the engine is the one that its backend builds, wherever it is written."""

import base64
import csv
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from monorepo.core import engine
from monorepo.scaffold import wheel
from monorepo.templating import template

WRITE = "import sys\nfrom pathlib import Path\nfrom monorepo.scaffold import wheel\n"
WRITE += "sys.stdout.write(str(wheel.write(Path(sys.argv[1]))))\n"
READ = "import sys\nsys.path[:0] = sys.argv[1:]\nfrom monorepo.templating import changelog\n"
READ += "sys.stdout.buffer.write(changelog.text().encode())\n"


def run(*words: str | Path, **variables: str) -> str:
    told = {**os.environ, **variables}
    done = subprocess.run(words, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what git has of this repository, as it is now, and nothing else."""
    folder = tmp_path_factory.mktemp("checkout")
    command = ["git", "-C", str(template.TEMPLATE), "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    for name in filter(None, listed.split(b"\0")):
        path = os.fsdecode(name)
        if (template.TEMPLATE / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(template.TEMPLATE / path, folder / path)
    return folder


@pytest.fixture(scope="module")
def written(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that a clean checkout writes."""
    out = tmp_path_factory.mktemp("written")
    return Path(run(sys.executable, "-c", WRITE, out, PYTHONPATH=str(checkout / "src")))


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that the declared backend builds of a clean checkout."""
    out = tmp_path_factory.mktemp("built")
    backend = "import os, sys\nfrom hatchling import build\nos.chdir(sys.argv[1])\n"
    backend += "sys.stdout.write(build.build_wheel(sys.argv[2]))\n"
    return out / run(sys.executable, "-c", backend, checkout, out).splitlines()[-1]


def files(file: Path) -> dict[str, tuple[bool, bytes]]:
    """Return the files of a wheel: whether each can be executed, and its content."""
    with zipfile.ZipFile(file) as archive:
        return {
            one.filename: (bool(one.external_attr >> 16 & stat.S_IXUSR), archive.read(one))
            for one in archive.infolist()
        }


def of_info(file: Path, name: str) -> str:
    """Return the text of a file of the wheel's metadata."""
    version = file.name.split("-")[1]
    return files(file)[f"cookiecutter_monorepo-{version}.dist-info/{name}"][1].decode()


def test_it_is_written_twice_with_the_same_bytes(tmp_path: Path, written: Path) -> None:
    again = wheel.write(tmp_path)
    assert again.name == written.name
    assert again.read_bytes() == written.read_bytes()


def test_neither_times_nor_modes_nor_zlib_have_a_part_in_it(
    tmp_path: Path, checkout: Path, written: Path
) -> None:
    copy = shutil.copytree(checkout, tmp_path / "copy")
    for file in (path for path in copy.rglob("*") if path.is_file()):
        file.chmod(0o600)
        os.utime(file, (1, 1))
    command = [sys.executable, "-B", "-c", WRITE, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    subprocess.run(command, env=environment, umask=0o077, capture_output=True, check=True)
    assert (tmp_path / written.name).read_bytes() == written.read_bytes()
    # One build of zlib packs a file otherwise than another.
    with zipfile.ZipFile(written) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_it_has_the_changelog_before_it_is_installed(written: Path) -> None:
    text = (template.TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert run(sys.executable, "-I", "-S", "-c", READ, written) == text


def test_its_files_are_those_that_the_backend_puts_there(written: Path, built: Path) -> None:
    assert written.name == built.name
    mine, theirs = files(written), files(built)
    assert mine.keys() == theirs.keys()
    apart = ("METADATA", "RECORD", "WHEEL")
    wrong = [one for one in mine if mine[one] != theirs[one] and not one.endswith(apart)]
    assert wrong == []


def test_its_metadata_says_what_the_backend_says(written: Path, built: Path) -> None:
    for name in ("METADATA", "WHEEL"):
        mine, theirs = (HeaderParser().parsestr(of_info(file, name)) for file in (written, built))
        for told in (mine, theirs):
            del told["Generator"]
        assert sorted(mine.items()) == sorted(theirs.items())
        assert mine.get_payload() == theirs.get_payload()


def test_each_file_is_recorded_with_its_hash(written: Path) -> None:
    found = files(written)
    rows = {name: row for name, *row in csv.reader(of_info(written, "RECORD").splitlines())}
    assert rows.keys() == found.keys()
    for name, (digest, size) in rows.items():
        content = found[name][1]
        raw = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert [digest, size] in ([f"sha256={raw}", str(len(content))], ["", ""])
        assert bool(digest) != name.endswith(".dist-info/RECORD")


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_is_installed_writes_the_same_bytes(
    tmp_path: Path, written: Path, installer: str
) -> None:
    venv = tmp_path / "venv"
    scripts = Path(sysconfig.get_path("scripts"))
    run(sys.executable, "-I", "-m", "venv", "--without-pip", venv)
    python = venv / "bin/python"
    words: tuple[str | Path, ...] = (scripts / "uv", "pip", "install", "--python", python)
    if installer == "pip":
        words = (sys.executable, "-m", "pip", f"--python={python}", "install")
    run(*words, "--no-deps", "--no-index", written)
    # Caches, which pip makes, are no part of it; nor are its dependencies there to be imported.
    again = Path(run(python, "-I", "-c", WRITE, tmp_path))
    assert again.read_bytes() == written.read_bytes()
    text = (template.TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert run(python, "-I", "-c", READ) == text


def test_a_repository_is_given_the_wheel_and_its_hash(tmp_path: Path, written: Path) -> None:
    (tmp_path / "tools").mkdir()
    wheel.give(tmp_path)
    found = engine.read(tmp_path)
    assert (tmp_path / found.path).read_bytes() == written.read_bytes()
    assert found.sha256 == hashlib.sha256(written.read_bytes()).hexdigest()
    assert found.version == template.version()
    manifest = (template.TEMPLATE / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{text}"' in manifest for text in found.requirements)
    assert found.requirements


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        wheel.write(tmp_path / "gone")
