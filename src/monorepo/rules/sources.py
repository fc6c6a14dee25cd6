"""Packages come from the configured registries, with hashes, and run no install scripts.

Checked are the configuration files of npm, pnpm, uv and pip (`.npmrc`, `pnpm-workspace.yaml`,
`uv.toml`, `pip.conf`, `.pnpmfile.cjs`), the settings of uv in each pyproject.toml, the install
scripts in each package.json, variables in workflows that set an index, and the source of each entry
of the locks of pnpm and uv.

Why: a branch with a registry, an archive or a hook decides what is installed on the machine of
everybody who tries it. Build scripts and very recent releases are untrusted code.

Fix: remove the setting; an index for some names belongs in `[tool.monorepo.indexes]`, any other
private registry in the configuration of each user, or of CI. A setting that has to be here is
allowed for its file, with a reason, as `[[tool.monorepo.allow]]`.

Passes::

    allowBuilds: {}
    resolution: {integrity: sha512-…}

Fails::

    registry=https://example.com/
    resolution: {integrity: sha512-…, tarball: https://example.com/x.tgz}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_locks, projects
from monorepo.parsing import data_formats, pnpm_lockfile
from monorepo.programs import indexes

# By the names of files: uv, pip and npm look into the folders above as well.
_FILE = re.compile(
    r"(.*/)?(\.npmrc|\.yarnrc(\.yml)?|\.?pnpmfile\.[cm]?js|uv\.toml|pip\.(conf|ini)|package\.json"
    r"|pyproject\.toml|pnpm-workspace\.yaml|pnpm-lock\.yaml|uv\.lock|\.env)|\.github/.*\.ya?ml"
)
# Samples of the tests are no files that a tool reads, and those of sub-templates not yet.
_SAMPLES = re.compile(r"(^|/)tests?/(.*/)?(data|fixtures)/|\{\{.*(package\.json|pyproject\.toml)$")
# npm's own are about how it shows things; these are about where packages come from, and what runs.
_NPM = re.compile(
    r"^\s*((?:@[^:=\s]+:|//[^=\s]*:?)?(?:registry|_?auth\w*|_?password)|(?:https?-)?proxy|script-shell"
    r"|node-options|strict-ssl|ca(?:file)?|(?:global-?)?pnpmfile|git|shell-emulator|ignore-scripts)\s*=",
    re.IGNORECASE | re.MULTILINE,
)
_UV = (
    *("index", "index-url", "extra-index-url", "default-index", "find-links", "no-index"),
    *("index-strategy", "allow-insecure-host", "keyring-provider", "no-verify-hashes"),
    *("python-install-mirror", "pypy-install-mirror"),
)
_PIP = re.compile(
    r"^\s*(index-url|extra-index-url|find-links|no-index|trusted-host|proxy|cert|target|user|prefix"
    r"|require-hashes|constraint|no-build-isolation)\s*[=:]",
    re.MULTILINE,
)
_VARIABLE = re.compile(
    r"\b(PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|TRUSTED_HOST)"
    r"|UV_(?:INDEX(?!_\w+_(?:USERNAME|PASSWORD)\b)\w*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|INSECURE_HOST)"
    r"|(?i:npm_config_registry|pnpm_config_registry))\b"
)
# What an installation in the folder of a package runs.
_SCRIPTS = (
    *("pnpm:devPreinstall", "preinstall", "install", "postinstall", "preprepare", "prepare"),
    "postprepare",
)
# What pnpm-workspace.yaml must not say at all, and what it must say, and why.
_FORBIDDEN = {
    **dict.fromkeys(("registry", "registries", "namedRegistries"), "names a registry"),
    **dict.fromkeys(("pnpmfile", "globalPnpmfile", "configDependencies"), "has code run by pnpm"),
    "dangerouslyAllowAllBuilds": "lets every package run scripts",
    "neverBuiltDependencies": "lets every other package run scripts",
    "minimumReleaseAgeExclude": "takes releases that are too young",
    "trustPolicyExclude": "trusts releases whose evidence has become weaker",
    "nodeDownloadMirrors": "names where Node comes from",
    "scriptShell": "names a shell for scripts",
    "pnprServer": "has another machine resolve packages",
}
_ALLOWING = ("allowBuilds", "onlyBuiltDependencies")
_EXACT = {
    "trustLockfile": (True, "it needs network at each installation"),
    "pmOnFail": ("ignore", "pnpm replaces itself"),
}
_NOT = {
    "verifyStoreIntegrity": (False, "what lies in the store is not verified"),
    "strictSsl": (False, "anybody on the way can serve packages"),
    "strictDepBuilds": (False, "build scripts are passed over in silence"),
    "blockExoticSubdeps": (False, "dependencies come from git and URLs"),
    "managePackageManagerVersions": (True, "pnpm replaces itself"),
    "ignoreScripts": (False, "scripts run"),
    "sideEffectsCacheReadonly": (True, "what was built elsewhere is taken"),
}
_DAY = 1440


def subjects(sources: Sources) -> Sequence[str]:
    """Return the files that say where packages come from."""
    return [
        path for path in sources.looked_at if _FILE.fullmatch(path) and not _SAMPLES.search(path)
    ]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for what redirects an installation."""
    name = subject.rpartition("/")[2]
    if "pnpmfile" in name:
        yield _finding(subject, 0, "is code that pnpm runs at each installation", "remove it")
    elif name == pnpm_locks.LOCK:
        for line, message in sources.in_text(subject, "where from", pnpm_lockfile.strangers) or ():
            yield Finding(subject, line, "sources", message, pnpm_locks.NO_STRANGERS)
    elif name == projects.LOCK:
        apart = indexes.read(sources.root)
        find = partial(projects.strangers, apart=apart)
        for line, message in sources.in_text(subject, "where from", find, str(apart)) or ():
            yield _finding(subject, line, message)
    elif name == pnpm_locks.SETTINGS:
        yield from _workspace(sources, subject)
    elif name == "package.json":
        yield from _scripts(sources, subject)
    elif name.endswith(".toml"):
        yield from _uv(sources, subject)
    else:
        pattern = _PIP if name.startswith("pip") else _NPM
        if name.endswith((".yml", ".yaml", ".env")) and not name.startswith(".yarnrc"):
            pattern = _VARIABLE
        for line, found in sources.in_text(subject, "settings", _Settings(pattern)) or ():
            yield _finding(subject, line, f"sets {found}")


def _finding(path: str, line: int, message: str, fix: str = "") -> Finding:
    return Finding(path, line, "sources", message, fix or "remove it, or allow it with a reason")


class _Settings:
    """Finds the settings of a pattern in a text."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def __call__(self, text: str) -> list[list[object]]:
        """Return the line and the name of each."""
        rows = enumerate(text.splitlines(), start=1)
        plain = [(at, row) for at, row in rows if row.lstrip()[:1] not in ("#", ";")]
        hits = [(at, self._pattern.search(row)) for at, row in plain]
        return [[at, hit[1]] for at, hit in hits if hit]


def _workspace(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the settings of pnpm that open doors, and those that should close them."""
    told = config_files.read(sources, path)
    if told is None:
        return
    text = sources.text(path) or ""
    for key, why in _FORBIDDEN.items():
        if told.get(key):
            yield _finding(path, line_of(text, key), f"{key} {why}")
    for key in _ALLOWING:
        value = told.get(key)
        names = value if isinstance(value, list) else []
        if isinstance(value, dict):
            names = [one for one, is_allowed in value.items() if is_allowed is True]
        for one in names:
            message = f"{key} lets {one} run scripts while it is installed"
            yield _finding(path, line_of(text, str(one)) or line_of(text, key), message)
    for key, (value, why) in _NOT.items():
        if key in told and told[key] == value:
            yield _finding(path, line_of(text, key), f"{key} is {str(value).lower()}: {why}")
    if path == pnpm_locks.SETTINGS:
        yield from _required(path, text, told)


def _required(path: str, text: str, told: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the settings of pnpm that are to be there and are not, or are other ones."""
    for key, (value, why) in _EXACT.items():
        if told.get(key) != value:
            fix = f"write {key}: {str(value).lower()}"
            yield _finding(path, line_of(text, f"{key}:"), f"without {key}, {why}", fix)
    age: Any = told.get("minimumReleaseAge")
    if isinstance(age, bool) or not isinstance(age, int | float) or age < _DAY:
        message = "takes releases that are younger than a day"
        line = line_of(text, "minimumReleaseAge:")
        yield _finding(path, line, message, f"write minimumReleaseAge: {_DAY}")


def _scripts(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the scripts that an installation would run."""
    told = config_files.read(sources, path)
    scripts = data_formats.table(told, "scripts")
    for key in _SCRIPTS:
        if key in scripts:
            line = line_of(sources.text(path) or "", f'"{key}"')
            message = f"the script {key} is run by whoever installs with another tool"
            yield _finding(path, line, message, "remove it, and make it a target of make")


def _uv(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield uv's settings about where packages come from."""
    told = config_files.read(sources, path)
    own = path.rpartition("/")[2] == "uv.toml"
    table = dict(told or {}) if own else data_formats.table(told, "tool", "uv")
    text = sources.text(path) or ""
    shown = "" if own else "tool.uv."
    # The rule drift and each installation check that this is as `make lock` writes it.
    written = {} if own else projects.written(text)
    for part, name in ((table, ""), (data_formats.table(table, "pip"), "pip.")):
        for key in sorted(part.keys() & set(_UV) - (set() if name else written.keys())):
            yield _finding(path, line_of(text, key), f"sets {shown}{name}{key}")
    # Where a path leads is a matter of the rule includes.
    for package, places in data_formats.table(table, "sources").items():
        if package in written.get("sources", {}):
            continue
        for place in places if isinstance(places, list) else [places]:
            if remote := sorted({"git", "url", "index"} & data_formats.table(place).keys()):
                line = line_of(text, package, remote[0]) or line_of(text, package)
                yield _finding(path, line, f"takes {package} from its own {remote[0]}")
