"""Filter the user's uv settings: only those about indexes and networks apply.

Other settings in uv.toml or in variables could change the resolution or the target, and the result
has to be the same for everybody. Standard library only.
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

from monorepo.programs import indexes
from monorepo.programs.vendored import WHEELS, is_offline, place
from monorepo.system.errors import UsageError

# Keys of uv.toml; some are also allowed in its [pip] table.
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
# Prefixes of the corresponding environment variables.
_OF_SOURCES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
_VARIABLES = (
    *("UV_KEYRING_PROVIDER", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_OFFLINE"),
    *("UV_HTTP", "UV_REQUEST_TIMEOUT", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE"),
    *("UV_CONCURRENT", "UV_LOCK_TIMEOUT", "UV_PYTHON_DOWNLOADS", "UV_CREDENTIALS_DIR", "UV_AUTH"),
)
# Give up on a silent index within a minute: three attempts with these timeouts in seconds.
PATIENCE = {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_CONNECT_TIMEOUT": "10", "UV_HTTP_RETRIES": "2"}


@contextlib.contextmanager
def variables(root: Path) -> Iterator[dict[str, str]]:
    """Yield the environment variables to run uv for the repository at `root`.

    Raises:
        UsageError: a settings file cannot be read, or indexes are malformed; or nothing is
            vendored, offline.
    """
    kept = _VARIABLES if is_offline() else (*_OF_SOURCES, *_VARIABLES)
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("UV_") or name.startswith(kept)
    }
    # An active environment or module path must not have an effect.
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"):
        env.pop(name, None)
    if "UV_REQUEST_TIMEOUT" in env:
        env.setdefault("UV_HTTP_TIMEOUT", env["UV_REQUEST_TIMEOUT"])
    told = settings(root)
    if not is_offline() and (others := indexes.read(root)):
        told, env = indexes.route(told, env, others)
    # It may contain a password: only this user can read it, and it is deleted after the call.
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(_toml(told))
        file.flush()
        yield {**PATIENCE, **env, "UV_CONFIG_FILE": file.name}


def settings(root: Path) -> dict[str, Any]:
    """Return the index and network settings that uv finds for `root`.

    As in uv, the repository takes precedence over the user, and the user over the system.

    Offline, packages come from what is vendored, and from nowhere else.

    Raises:
        UsageError: a file cannot be read; or nothing is vendored, offline.
    """
    found: dict[str, Any] = {}
    for file in _files(root):
        _add(found, _read(file), file.parent)
    if not is_offline():
        return found
    kept = {
        key: value for key, value in found.items() if key not in (*_SOURCES, "index-url", "pip")
    }
    wheels = str(place(root, WHEELS))
    return {**kept, "no-index": True, "offline": True, "find-links": [wheels]}


def _files(root: Path) -> Iterator[Path]:
    """Yield the settings files, in order of precedence."""
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
    """Merge settings of a file in `folder` into `found`, which takes precedence."""
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
    """Return an index setting with paths resolved against the folder of its file."""
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key in _OF_INDEX}
        return {**kept, "url": _placed(value.get("url", ""), folder)}
    if isinstance(value, str) and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value):
        return str(folder / value)
    return value


def _toml(settings: Mapping[str, Any]) -> str:
    """Format settings as TOML; `[pip]` becomes an inline table."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # A JSON string is also a TOML string.
    text = value if isinstance(value, bool | int | str) else str(value)
    return json.dumps(text, ensure_ascii=False)
