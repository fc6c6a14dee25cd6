"""A backend that builds wheels and sdists, and needs no other package."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# It stores files with their dates and modes, as setuptools does.
BACKEND = """\
import os, pathlib, tarfile, time, tomllib, zipfile

def project():
    with open("pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if os.path.exists("FAILS"):
        raise SystemExit("no compiler")
    made = project()
    stem = made["name"].replace("-", "_") + "-" + made["version"]
    lines = ["Metadata-Version: 2.1", "Name: " + made["name"], "Version: " + made["version"]]
    lines += ["Requires-Dist: " + text for text in made.get("dependencies", [])]
    for extra, texts in made.get("optional-dependencies", {}).items():
        lines.append("Provides-Extra: " + extra)
        lines += [f"Requires-Dist: {text}; extra == '{extra}'" for text in texts]
    if os.path.exists("MORE"):
        lines.append("Requires-Dist: " + open("MORE").read().strip())
    os.makedirs("info", exist_ok=True)
    pathlib.Path("info/METADATA").write_text("\\n".join(lines) + "\\n")
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    pathlib.Path("info/WHEEL").write_text(wheel)
    pathlib.Path("info/RECORD").write_text("")
    when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    files = {f"{stem}.dist-info/{name}": f"info/{name}" for name in ("METADATA", "WHEEL", "RECORD")}
    files |= {str(path.relative_to("src")): path for path in sorted(pathlib.Path("src").rglob("*"))}
    files |= {f"{stem}.dist-info/licenses/LICENSE": "LICENSE"} if os.path.exists("LICENSE") else {}
    with zipfile.ZipFile(os.path.join(wheel_directory, stem + "-py3-none-any.whl"), "w") as archive:
        for name, path in files.items():
            if os.path.isfile(path):
                info = zipfile.ZipInfo(name, when)
                info.external_attr = os.stat(path).st_mode << 16
                archive.writestr(info, pathlib.Path(path).read_bytes())
    return stem + "-py3-none-any.whl"

def build_sdist(sdist_directory, config_settings=None):
    made = project()
    stem = made["name"].replace("-", "_") + "-" + made["version"]
    with tarfile.open(os.path.join(sdist_directory, stem + ".tar.gz"), "w:gz") as archive:
        pathlib.Path("PKG-INFO").write_text("Metadata-Version: 2.1\\n")
        archive.add(".", stem)
    return stem + ".tar.gz"
"""


@pytest.fixture
def index(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have pip take a folder for the index, as uv does; return the folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return wheels


@pytest.fixture
def buildable(package: Callable[..., Path]) -> Callable[..., Path]:
    """Write a Python package that can be built: as `package`, and whether it is published."""

    def buildable(
        path: str,
        *requires: str,
        published: bool = False,
        version: str = "1.0",
        **extras: list[str],
    ) -> Path:
        folder = package(path, *requires, **extras)
        (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
        manifest = folder / "pyproject.toml"
        text = manifest.read_text(encoding="utf-8").replace('"1.0"', f'"{version}"')
        if published:
            text = text.replace("Private :: Do Not Upload", "Typing :: Typed")
        manifest.write_text(text, encoding="utf-8")
        return folder

    return buildable
