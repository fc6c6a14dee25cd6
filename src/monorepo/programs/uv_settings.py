"""The user's own uv and pip settings: those of indexes and networks count, others do not.

Everything else in a uv.toml or a variable could change what is resolved, or where it is put, and
the result is to be the same for everybody. Standard library only.
"""

import contextlib
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monorepo.system.errors import UsageError

# Keys of uv.toml, some of which may also stand in its [pip].
_SOURCES = ("index", "extra-index-url", "find-links")
_KEYS = {
    *_SOURCES,
    *("index-url", "no-index", "index-strategy", "keyring-provider", "allow-insecure-host"),
    *("native-tls", "system-certs", "offline", "cache-dir", "no-cache", "link-mode"),
    *("http-proxy", "https-proxy", "no-proxy"),
    *("concurrent-downloads", "concurrent-builds", "concurrent-installs"),
}
_OF_INDEX = {
    *("name", "default", "explicit", "format", "authenticate", "ignore-error-codes"),
    *("cache-control",),
}
# The beginnings of the names of uv's variables of the same kinds.
_VARIABLES = (
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX"),
    *("UV_KEYRING_PROVIDER", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_OFFLINE"),
    *("UV_HTTP", "UV_REQUEST_TIMEOUT", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE"),
    *("UV_CONCURRENT", "UV_LOCK_TIMEOUT", "UV_PYTHON_DOWNLOADS", "UV_CREDENTIALS_DIR", "UV_AUTH"),
)
# An index that is silent is given up within a minute: after three tries of so many seconds.
PATIENCE = {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_CONNECT_TIMEOUT": "10", "UV_HTTP_RETRIES": "2"}


@contextlib.contextmanager
def variables(root: Path) -> Iterator[dict[str, str]]:
    """Hand out the environment to run uv with, for work on the repository at `root`.

    Raises:
        UsageError: a file with settings cannot be read.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("UV_") or name.startswith(_VARIABLES)
    }
    # Another environment, or modules from elsewhere, are no matter of this one.
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"):
        env.pop(name, None)
    if "UV_REQUEST_TIMEOUT" in env:
        env.setdefault("UV_HTTP_TIMEOUT", env["UV_REQUEST_TIMEOUT"])
    # A password may stand in it: nobody else can read it, and it is gone with the call.
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(_toml(settings(root)))
        file.flush()
        yield {**PATIENCE, **env, "UV_CONFIG_FILE": file.name}


def settings(root: Path) -> dict[str, Any]:
    """Return what the settings that uv would find for `root` say of sources and of the network.

    Those of the repository come first, then the user's, then the system's, as uv has it.

    Raises:
        UsageError: a file cannot be read.
    """
    found: dict[str, Any] = {}
    for file in _files(root):
        _add(found, _read(file), file.parent)
    return found


def _files(root: Path) -> Iterator[Path]:
    """Yield the files whose settings count, the strongest first."""
    if os.environ.get("UV_NO_CONFIG", "").lower() in ("1", "true", "yes", "on"):
        return
    if given := os.environ.get("UV_CONFIG_FILE"):
        yield Path(given)
        return
    for folder in (root, *root.parents):
        file = folder / "uv.toml"
        if file.is_file():
            yield file
            break
        file = folder / "pyproject.toml"
        if file.is_file() and "[tool.uv" in file.read_text(encoding="utf-8", errors="replace"):
            yield file
            break
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    systems = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    for user in (home,), (*systems.split(os.pathsep), "/etc"):
        files = (Path(folder, "uv/uv.toml") for folder in user if folder)
        yield from [file for file in files if file.is_file()][:1]


def _read(file: Path) -> Mapping[str, Any]:
    """Return the settings in a file."""
    try:
        found: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{file}: cannot be read ({reason}); correct it") from error
    if file.name == "pyproject.toml":
        found = found.get("tool", {})
        found = found.get("uv", {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _add(found: dict[str, Any], more: Mapping[str, Any], folder: Path) -> None:
    """Add settings that stand in a file in `folder` to stronger ones."""
    for key, value in more.items():
        if key == "pip" and isinstance(value, dict):
            _add(found.setdefault("pip", {}), value, folder)
        elif key in _KEYS:
            value = _placed(value, folder) if key in (*_SOURCES, "index-url") else value
            if key in _SOURCES and isinstance(value, list):
                found[key] = found.get(key, []) + value
            else:
                found.setdefault(key, value)


def _placed(value: Any, folder: Path) -> Any:  # noqa: ANN401
    """Return where packages come from, with paths from the folder whose file names them."""
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key in _OF_INDEX}
        return {**kept, "url": _placed(value.get("url", ""), folder)}
    if isinstance(value, str) and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value):
        return str(folder / value)
    return value


def _toml(settings: Mapping[str, Any]) -> str:
    """Return settings as TOML; `[pip]` comes as an inline table."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # A string of JSON is one of TOML, too.
    text = value if isinstance(value, bool | int | str) else str(value)
    return json.dumps(text, ensure_ascii=False)
