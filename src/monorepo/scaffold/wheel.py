"""Write the wheel of the running version, without a build backend: a hook has none.

The bytes are the same wherever it is written (PEP 427; names sorted, no times), and the files are
those of the wheel that the declared backend builds. They are not compressed: builds of zlib
differ in their bytes, and git, which keeps each version, finds what two of them have in common.
"""

import base64
import hashlib
import tomllib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from monorepo.core.engine import DISTRIBUTION, REQUIREMENT, Engine
from monorepo.scaffold import editable
from monorepo.templating import template
from monorepo.templating.changelog import CHANGELOG

_NAME = DISTRIBUTION.replace("-", "_")
# Files that an installer adds (PEP 376, PEP 610).
_INSTALLED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
# The earliest date in a zip file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def give(root: Path) -> None:
    """Write the wheel and tools/requirements.txt of a repository.

    Raises:
        OSError: a file cannot be read or written.
    """
    wheel = write(root / "tools")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    text = Engine(root, f"tools/{wheel.name}", digest).text
    (root / REQUIREMENT).write_text(text, encoding="utf-8")


def write(folder: Path) -> Path:
    """Write the wheel into `folder` and return its file.

    Raises:
        OSError: a file cannot be read or written.
    """
    checkout = template.TEMPLATE / "pyproject.toml"
    version, files = _from_sources(checkout) if checkout.is_file() else _from_installation()
    info = f"{_NAME}-{version}.dist-info"
    rows = [f"{name},{_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    wheel = folder / f"{_NAME}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            # Unix: a regular file, executable if it starts with #!.
            entry.create_system = 3
            entry.external_attr = (0o100755 if content[:2] == b"#!" else 0o100644) << 16
            archive.writestr(entry, content)
    return wheel


def unpack(archive: zipfile.ZipFile, folder: Path, below: str = "") -> None:
    """Unpack the files of a wheel whose names begin with `below`, with their modes.

    Raises:
        OSError: a file cannot be written.
        zipfile.BadZipFile, zlib.error: it is broken.
    """
    for entry in archive.infolist():
        if entry.filename.startswith(below):
            file = Path(archive.extract(entry, folder))
            if mode := entry.external_attr >> 16 & 0o777:
                file.chmod(mode)


def _from_sources(checkout: Path) -> tuple[str, dict[str, bytes]]:
    """Return version and files of the wheel of a checkout, without RECORD."""
    project = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]
    root = checkout.parent
    engine = template.files(template.ENGINE)
    found = {f"monorepo/{path.relative_to(template.ENGINE)}": path for path in engine}
    data = [root / "cookiecutter.json", root / CHANGELOG]
    for path in (*data, *template.files(root / "hooks"), *template.files(template.tree())):
        found[f"monorepo/template/{path.relative_to(root)}"] = path
    info = f"{_NAME}-{project['version']}.dist-info"
    found[f"{info}/licenses/LICENSE"] = root / "LICENSE"
    files = {name: path.read_bytes() for name, path in found.items()}
    files[f"{info}/METADATA"] = _metadata(project, root / project["readme"]).encode()
    files[f"{info}/WHEEL"] = editable.WHEEL.encode()
    files[f"{info}/entry_points.txt"] = editable.entry_points(project).encode()
    return project["version"], dict(sorted(files.items()))


def _metadata(project: Mapping[str, object], readme: Path) -> str:
    """Return the core metadata (version 2.4) of a [project] table (PEP 621)."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {project['requires-python']}",
    ]
    dependencies = project["dependencies"]
    assert isinstance(dependencies, list)
    lines += [f"Requires-Dist: {text}" for text in sorted(dependencies)]
    lines += ["Description-Content-Type: text/markdown", "", readme.read_text(encoding="utf-8")]
    return "\n".join(lines)


def _from_installation() -> tuple[str, dict[str, bytes]]:
    """Return version and files of the wheel that the engine was installed from."""
    installed = metadata.distribution(DISTRIBUTION)
    files = {
        str(path): path.read_binary()
        for path in installed.files or ()
        if path.name not in _INSTALLED and path.suffix != ".pyc" and ".." not in path.parts
    }
    return installed.version, dict(sorted(files.items()))


def _digest(content: bytes) -> str:
    """Return the hash of a file in the format of RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
