"""Packages come from the configured registries, with hashes, and run no scripts when installed.

What counts: settings of npm, pnpm, Yarn, Bun, uv, pip, Poetry, PDM and conda in their files and in
pyproject.toml; variables that set an index, in Dockerfiles, workflows, compose files, scripts and
.env; the scripts of each package.json that an installation runs; the locks of pnpm and uv.
- sources.registry: a setting or variable adds or replaces a registry, or says how it is reached
- sources.code: an installation runs a script, a pnpmfile or a plugin
- sources.pnpm: pnpm-workspace.yaml opens a door, or does not close one
- sources.lock: an entry of a lock is from elsewhere, or has no hash

Why: a branch with a registry, an archive or a hook decides what is installed on the machine of
everybody who tries it. Build scripts and very recent releases are untrusted code.

Fix: remove the setting. An index for some names belongs in `[tool.monorepo.indexes]`, any other
one in the configuration of each user, or of CI. What has to be here is allowed for its file, with
a reason, as `[[tool.monorepo.allow]]`.

Passes::

    allowBuilds: {}
    resolution: {integrity: sha512-…}

Fails::

    @acme:registry=https://example.com/
    resolution: {integrity: sha512-…, tarball: https://example.com/x.tgz}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from monorepo.core.naming import fold
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_locks, projects
from monorepo.parsing import data_formats, pnpm_lockfile, shell_commands
from monorepo.programs import indexes

_UV = (
    "index index-url extra-index-url default-index find-links no-index index-strategy"
    " allow-insecure-host keyring-provider no-verify-hashes python-install-mirror"
    " pypy-install-mirror"
).split()
_OWN_UV = [*_UV, *(f"pip.{key}" for key in _UV)]
# The keys of structured files, by the names of these, wherever they are: tools look into the
# folders above as well.
_KEYS = {
    "uv.toml": _OWN_UV,
    "pyproject.toml": [
        *(f"tool.uv.{key}" for key in _OWN_UV),
        *("tool.poetry.source", "tool.pdm.source", "tool.rye.sources", "tool.pixi.pypi-options"),
        *("tool.pixi.workspace.channels", "tool.pixi.project.channels"),
    ],
    "Pipfile": ["source"],
    "bunfig.toml": ["install.registry", "install.scopes"],
    "poetry.toml": ["repositories"],
    "pdm.toml": ["pypi"],
    ".pdm.toml": ["pypi"],
    ".yarnrc.yml": (
        "npmRegistryServer npmRegistries npmScopes npmAuthToken npmAuthIdent httpProxy httpsProxy"
        " unsafeHttpWhitelist"
    ).split(),
    ".condarc": "channels default_channels channel_alias custom_channels".split(),
}
_CODE = {".yarnrc.yml": ("yarnPath", "plugins"), ".yarnrc": ("yarn-path",)}
# npm's own are about how it shows things; these are about where packages come from, and what runs.
_NPM = re.compile(
    r"^\s*\"?((?:@[^:=\s]+:|//[^=\s]*:?)?(?:registry|_?auth\w*|_?password)|(?:https?-)?proxy"
    r"|script-shell|node-options|strict-ssl|ca(?:file)?|(?:global-?)?pnpmfile|git|shell-emulator"
    r"|yarn-path|ignore-scripts)\"?(?:\s*=\s*|\s+)(.*)",
    re.IGNORECASE | re.MULTILINE,
)
_PIP = re.compile(
    r"^\s*(index[-_]url|extra[-_]index[-_]url|find[-_]links|no-index|trusted-host|proxy|cert|target"
    r"|user|prefix|require-hashes|constraint|no-build-isolation)\s*[=:]\s*(.*)",
    re.MULTILINE,
)
_VARIABLE = re.compile(
    r"(?<![\w$(])(?<!\$\{)(PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|TRUSTED_HOST|CONFIG_FILE)"
    r"|UV_(?:INDEX(?!_\w+_(?:USERNAME|PASSWORD)\b)\w*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS"
    r"|INSECURE_HOST|CONFIG_FILE)|(?i:p?npm_config_(?:registry|userconfig|_\w*authtoken|@\S+:registry))"
    r"|YARN_(?:NPM_)?REGISTRY(?:_SERVER)?|BUN_CONFIG_REGISTRY|POETRY_REPOSITORIES_\w+_URL|PDM_PYPI_URL"
    r"|PIPENV_PYPI_MIRROR|CONDA_CHANNELS|registry-url)(?:[\"'\]]*\s*(?:[:?]?=|:(?=\s))\s*|\s+)([^\s;&]+)"
)
_LINES = {".npmrc": _NPM, ".yarnrc": _NPM, "pip.conf": _PIP, "pip.ini": _PIP, "setup.cfg": _PIP}
_USUAL = re.compile(
    r"https://(pypi\.org/simple|registry\.(npmjs\.org|yarnpkg\.com))/?$|(conda-forge|defaults)$"
)
_CARRIES = re.compile(r"(^|/)\.env[^/]*$")
_SOURCE_CODE = re.compile(r"(?<!noxfile)\.(py|[cm]?[jt]s)$")
# Samples of the tests are no files that a tool reads, and those of sub-templates not yet.
_SAMPLES = re.compile(r"(^|/)tests?/(.*/)?(data|fixtures)/|\{\{.*(package\.json|pyproject\.toml)$")
# What an installation in the folder of a package runs.
_SCRIPTS = (
    *("pnpm:devPreinstall", "preinstall", "install", "postinstall", "preprepare", "prepare"),
    "postprepare",
)
# What pnpm-workspace.yaml must not say, at all or with this value, and why.
_FORBIDDEN: dict[str, tuple[object, str]] = {
    **dict.fromkeys(("registry", "registries", "namedRegistries"), (None, "names a registry")),
    **dict.fromkeys(
        ("pnpmfile", "globalPnpmfile", "configDependencies"), (None, "has code run by pnpm")
    ),
    "dangerouslyAllowAllBuilds": (None, "lets every package run scripts"),
    "neverBuiltDependencies": (None, "lets every other package run scripts"),
    "minimumReleaseAgeExclude": (None, "takes releases that are too young"),
    "trustPolicyExclude": (None, "trusts releases whose evidence has become weaker"),
    "nodeDownloadMirrors": (None, "names where Node comes from"),
    "scriptShell": (None, "names a shell for scripts"),
    "pnprServer": (None, "has another machine resolve packages"),
    "verifyStoreIntegrity": (False, "is false: what lies in the store is not verified"),
    "strictSsl": (False, "is false: anybody on the way can serve packages"),
    "strictDepBuilds": (False, "is false: build scripts are passed over in silence"),
    "blockExoticSubdeps": (False, "is false: dependencies come from git and URLs"),
    "managePackageManagerVersions": (True, "is true: pnpm replaces itself"),
    "ignoreScripts": (False, "is false: scripts run"),
    "sideEffectsCacheReadonly": (True, "is true: what was built elsewhere is taken"),
}
_ALLOWING = ("allowBuilds", "onlyBuiltDependencies")
_EXACT = {
    "trustLockfile": (True, "it needs network at each installation"),
    "pmOnFail": ("ignore", "pnpm replaces itself"),
}
_DAY = 1440
_TABLES = {*_KEYS, "package.json", pnpm_locks.SETTINGS}
_NAMED = {*_TABLES, *_LINES, pnpm_locks.LOCK, projects.LOCK}
_PNPMFILE = re.compile(r"\.?pnpmfile\.[cm]?js")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the files that say where packages come from, or can set a variable that does."""
    return [path for path in sources.files if _is_read(path) and not _SAMPLES.search(path)]


def _is_read(path: str) -> bool:
    name = path.rpartition("/")[2]
    if name in _NAMED or _PNPMFILE.fullmatch(name) or _CARRIES.search(path):
        return True
    return shell_commands.may_carry(path) and not _SOURCE_CODE.search(path)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for what redirects an installation."""
    name = subject.rpartition("/")[2]
    if _PNPMFILE.fullmatch(name):
        message = "is code that pnpm runs at each installation"
        yield Finding(subject, 0, "sources.code", message, "remove it")
    elif name == pnpm_locks.LOCK:
        for line, message in sources.in_text(subject, "where from", pnpm_lockfile.strangers) or ():
            yield Finding(subject, line, "sources.lock", message, pnpm_locks.NO_STRANGERS)
    elif name == projects.LOCK:
        # Rule pins tells of any other one.
        if projects.is_lock(sources.space, subject):
            yield from _uv_lock(sources, subject)
    else:
        rows = sources.kept.of(subject, "sources", partial(_rows, sources)) or ()
        yield from (Finding(subject, *row) for row in rows)


def _rows(sources: Sources, path: str) -> list[list[Any]] | None:
    """Return what is found in a file of settings or commands; None if it cannot be read."""
    name, text = path.rpartition("/")[2], sources.text(path)
    if text is None or (name in _TABLES and config_files.read(sources, path) is None):
        return None
    found = list[Finding]()
    if name == pnpm_locks.SETTINGS:
        found += _workspace(sources, path)
    if name == "package.json":
        found += _scripts(sources, path)
    if name in _KEYS:
        found += _settings(sources, path, name)
    for line, setting in _set(name, text):
        kind = "code" if setting in ("pnpmfile", "yarn-path", "script-shell") else "registry"
        found.append(_finding(path, line, f"sets {setting}", kind))
    return [[one.line, one.id, one.message, one.fix] for one in found]


def _finding(path: str, line: int, message: str, kind: str = "registry") -> Finding:
    fix = "remove it, or allow it with a reason"
    return Finding(path, line, f"sources.{kind}", message, fix)


def _set(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each setting in a file of lines, and of each variable."""
    patterns = [one for one in (_VARIABLE, _LINES.get(name)) if one and one.search(text)]
    for line, row in enumerate(text.splitlines(), start=1) if patterns else ():
        if row.lstrip()[:1] not in ("#", ";"):
            for hit in (hit for one in patterns for hit in one.finditer(row)):
                if not _USUAL.match(hit[2].strip("\"'")):
                    yield line, hit[1]


def _uv_lock(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the entries of a lock of uv that are from elsewhere, unless the manifest says so."""
    apart = indexes.read(sources.root)
    manifest = f"{path.removesuffix(projects.LOCK)}pyproject.toml"
    told = config_files.read(sources, manifest) if manifest in sources.files else None
    declared = set(map(fold, data_formats.table(told, "tool", "uv", "sources")))
    find = partial(projects.strangers, apart=apart)
    for line, message in sources.in_text(path, "where from", find, str(apart)) or ():
        if fold(message.split()[1]) not in declared:
            yield _finding(path, line, message, "lock")


def _workspace(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the settings of pnpm that open doors, and those that should close them."""
    told = config_files.read(sources, path)
    if told is None:
        return
    text = sources.text(path) or ""
    scopes = {key: (None, "names a registry") for key in told if key.endswith(":registry")}
    for key, (value, why) in (_FORBIDDEN | scopes).items():
        if told.get(key) if value is None else told.get(key) is value:
            yield _finding(path, line_of(text, key), f"{key} {why}", "pnpm")
    for key in _ALLOWING:
        value = told.get(key)
        names = value if isinstance(value, list) else []
        if isinstance(value, dict):
            names = [one for one, is_allowed in value.items() if is_allowed is True]
        for one in names:
            message = f"{key} lets {one} run scripts while it is installed"
            yield _finding(path, line_of(text, str(one)) or line_of(text, key), message, "pnpm")
    if path == pnpm_locks.SETTINGS:
        yield from _required(path, text, told)


def _required(path: str, text: str, told: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the settings of pnpm that are to be there and are not, or are other ones."""
    for key, (value, why) in _EXACT.items():
        if told.get(key) != value:
            fix = f"write {key}: {str(value).lower()}"
            line = line_of(text, f"{key}:")
            yield Finding(path, line, "sources.pnpm", f"without {key}, {why}", fix)
    age: Any = told.get("minimumReleaseAge")
    if isinstance(age, bool) or not isinstance(age, int | float) or age < _DAY:
        message = "takes releases that are younger than a day"
        line = line_of(text, "minimumReleaseAge:")
        fix = f"write minimumReleaseAge: {_DAY}"
        yield Finding(path, line, "sources.pnpm", message, fix)


def _scripts(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the scripts that an installation would run."""
    scripts = data_formats.table(config_files.read(sources, path), "scripts")
    for key in _SCRIPTS:
        if key in scripts:
            line = line_of(sources.text(path) or "", f'"{key}"')
            message = f"the script {key} is run by whoever installs with another tool"
            fix = "remove it, and make it a target of make"
            yield Finding(path, line, "sources.code", message, fix)


def _settings(sources: Sources, path: str, name: str) -> Iterator[Finding]:
    """Yield the settings in a structured file about where packages come from."""
    text = sources.text(path) or ""
    told = config_files.read(sources, path) or {}
    # The rule drift and each installation check that this is as `make lock` writes it.
    written = projects.written(text) if name == "pyproject.toml" else {}
    for keys in _KEYS[name]:
        *above, last = keys.split(".")
        value = data_formats.table(told, *above).get(last)
        if value and not _is_usual(value) and keys.removeprefix("tool.uv.") not in written:
            yield _finding(path, line_of(text, last), f"sets {keys}")
    for key in _CODE.get(name, ()):
        if told.get(key):
            yield _finding(
                path, line_of(text, key), f"{key} is code that an installation runs", "code"
            )
    for package, places in data_formats.table(told, "tool", "uv", "sources").items():
        several = places if isinstance(places, list) else [places]
        # Git and URLs are told by pins, paths by includes.
        if package not in written.get("sources", {}) and any("index" in one for one in several):
            line = line_of(text, package, "index") or line_of(text, package)
            yield _finding(path, line, f"takes {package} from an index of its own")


def _is_usual(value: object) -> bool:
    """Return whether a value names the index of everybody alone."""
    if isinstance(value, list):
        return all(map(_is_usual, value))
    url = value.get("url") if isinstance(value, dict) else value
    return isinstance(url, str) and _USUAL.match(url) is not None
