"""Build the editable wheel of an ejected engine: a PEP 660 backend without requirements.

A backend with requirements would have to be pinned and installed first.
"""

import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The WHEEL file of PEP 427.
WHEEL = """\
Wheel-Version: 1.0
Generator: cookiecutter-monorepo
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_editable(
    wheel_directory: str,
    config_settings: object = None,
    metadata_directory: str | None = None,
) -> str:
    """Write a wheel that points to the sources in the current folder; return its name (PEP 660)."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = f"{project['name'].replace('-', '_')}-{project['version']}"
    metadata = [f"Name: {project['name']}", f"Version: {project['version']}"]
    metadata += [f"Requires-Dist: {text}" for text in project["dependencies"]]
    files = {
        "cookiecutter_monorepo.pth": f"{Path.cwd()}\n",
        f"{name}.dist-info/METADATA": "\n".join(["Metadata-Version: 2.1", *metadata, ""]),
        f"{name}.dist-info/WHEEL": WHEEL,
        f"{name}.dist-info/entry_points.txt": entry_points(project),
    }
    files[f"{name}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files)
    wheel = f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, wheel), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def entry_points(project: Mapping[str, Any]) -> str:
    """Return the entry_points.txt for the scripts of a [project] table (PEP 621)."""
    scripts = (f"{command} = {place}\n" for command, place in project["scripts"].items())
    return "[console_scripts]\n" + "".join(scripts)
