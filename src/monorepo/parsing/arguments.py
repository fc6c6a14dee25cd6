"""The command line: verbs, and the options of each."""

import argparse
import os
from pathlib import Path
from typing import Any

from monorepo.core.workspace import ENVIRONMENTS

DESCRIPTION = "The commands behind make, nox and the git hooks of this monorepo."


class _Verb(argparse.ArgumentParser):
    """The parser of one verb, which is made when that is asked for.

    Like the main parser, it allows no abbreviations.
    """

    def __init__(self, **words: Any) -> None:  # noqa: ANN401 (argparse's own)
        """Keep what it is made of."""
        self._words, self._waiting = words, list[tuple[Any, Any]]()

    def add_argument(self, *names: Any, **words: Any) -> Any:  # noqa: ANN401 (argparse's own)
        """Add an argument, or keep what it is made of."""
        if "_waiting" not in self.__dict__:
            return super().add_argument(*names, **words)
        self._waiting.append((names, words))
        return None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (argparse's own)
        """Make the parser: what is missing is what argparse has in it."""
        if (waiting := self.__dict__.pop("_waiting", None)) is None:
            raise AttributeError(name, name=name, obj=self)
        super().__init__(**self._words, allow_abbrev=False)
        for names, words in waiting:
            self.add_argument(*names, **words)
        return getattr(self, name)

    def given(self, name: str, variable: str, default: str = "", **words: Any) -> None:  # noqa: ANN401 (argparse's own)
        """Add an argument that a variable of Make gives as well."""
        self.add_argument(name, default=os.environ.get(variable) or default, **words)

    def words(self, name: str, variable: str, **words: Any) -> None:  # noqa: ANN401 (argparse's own)
        """Add words that a variable of Make gives as well."""
        self.add_argument(name, nargs="*", default=os.environ.get(variable, "").split(), **words)

    def packages(self, **words: Any) -> None:  # noqa: ANN401 (argparse's own)
        """Add the packages, which PKG gives as well."""
        self.words("packages", "PKG", **words)

    def flag(self, name: str, help: str, variable: str = "") -> None:
        """Add an option without a value, which a variable of Make may give as well."""
        self.add_argument(name, action="store_true", default=_on(variable), help=help)

    def form(self) -> None:
        """Add the format of what is printed: for people or for programs."""
        self.add_argument("--format", choices=("text", "json"), default="text")


def _on(name: str) -> bool:
    """Return whether an environment variable is set to a true value."""
    return os.environ.get(name, "").lower() not in ("", "0", "n", "no", "off", "false")


def is_off(name: str) -> bool:
    """Return whether an environment variable is set to a false value."""
    return bool(os.environ.get(name)) and not _on(name)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(prog="monorepo", description=DESCRIPTION, allow_abbrev=False)
    whole.add_argument("--root", type=Path, default=Path(), help="the repository (default: here)")
    verbs = whole.add_subparsers(required=True, dest="verb", metavar="verb", parser_class=_Verb)

    create = verbs.add_parser("create", help="make a new monorepo (OUT and ANSWERS of `make new`)")
    create.add_argument("out", type=Path, help="the folder to make it in")
    create.add_argument("words", nargs=argparse.REMAINDER, help="options of cookiecutter, answers")

    install = verbs.add_parser("install", help="create or update environments")
    install.packages(help="paths; . for the current folder")
    install.flag("--print", "print the plain commands instead")

    new = verbs.add_parser(
        "new", help="add a package (AT, DEPS, TEMPLATE, SET and EXAMPLE of `make new`)"
    )
    new.given("--deps", "DEPS")
    new.add_argument("--template", default=os.environ.get("TEMPLATE") or None)
    new.given("--set", "SET", metavar="'title=…'")
    for making in (create, new):
        making.add_argument(
            "--no-example",
            action="store_false",
            default=not is_off("EXAMPLE"),
            dest="example",
            help="make packages without their example",
        )

    remove = verbs.add_parser("remove", help="remove a package (AT of `make remove`)")
    rename = verbs.add_parser("rename", help="rename a package (AT and TO of `make rename`)")
    for either in (new, remove, rename):
        either.given("path", "AT", nargs="?")
    rename.given("to", "TO", nargs="?", help="its new path")

    split = verbs.add_parser(
        "split", help="make a package of a module (PKG, MODULE and AT of `make split`)"
    )
    split.given("path", "PKG", nargs="?", metavar="package")
    split.given("--module", "MODULE")
    split.given("--as", "AT", metavar="PATH")

    env = verbs.add_parser("env", help="change which environments there are (TO of `make env`)")
    env.add_argument("action", choices=("convert",))
    env.given("--to", "TO", metavar="|".join(ENVIRONMENTS))

    template = verbs.add_parser("template", help="copy a sub-template into tools/templates (KIND)")
    template.given("kind", "KIND", nargs="?")

    eject = verbs.add_parser("eject", help="unpack the source of the engine into tools/src")
    eject.flag("--undo", "go back to the wheel", "UNDO")
    flatten = verbs.add_parser(
        "flatten", help="move packages to packages/<name> (PKG of `make flatten`)"
    )
    flatten.packages(help="packages; all by default")
    flatten.flag("--undo", "move them back", "UNDO")

    upgrade = verbs.add_parser(
        "upgrade", help="follow the template (TO, SET, FROM, ANSWERS, CHECK)"
    )
    upgrade.packages(help="packages to upgrade; all by default")
    upgrade.given("--to", "TO", metavar="VERSION|WHEEL")
    upgrade.given("--set", "SET", metavar="'question=…'")
    upgrade.given("--from", "FROM", metavar="WHEEL|CLONE@COMMIT")
    upgrade.given("--answers", "ANSWERS", metavar="'license=…'")
    upgrade.flag("--check", "only check for a newer version", "CHECK")
    upgrade.add_argument("--wheel", default="", help=argparse.SUPPRESS)

    listed = verbs.add_parser("list", help="list the packages")

    graph = verbs.add_parser("graph", help="show the dependency graph (FORMAT, FOCUS, BASE, OUT)")
    graph.given("--format", "FORMAT", "text", metavar="text|json|mermaid|dot|html")
    graph.given("--focus", "FOCUS", metavar="PKG", help="only what is about it")
    graph.given("--affected", "BASE", metavar="REF", help="mark what changes since it affect")
    graph.given("--output", "OUT", metavar="FILE")

    affected = verbs.add_parser(
        "affected", help="list the packages that a change affects, and why (BASE, HEAD, WHY)"
    )
    affected.given("--base", "BASE", metavar="REF")
    affected.given("--head", "HEAD", metavar="REF")
    affected.given("--why", "WHY", metavar="PACKAGE")
    affected.given("--format", "FORMAT", "text", metavar="text|json|github|paths")

    exported = verbs.add_parser(
        "export", help="write the graph as the files of an engine: mise, moon or nx (TO, CHECK)"
    )
    exported.words("engines", "TO", metavar="mise|moon|nx")
    exported.flag("--undo", "remove its files", "UNDO")

    run = verbs.add_parser("run", help="run a Make target in many packages")
    run.add_argument("target")
    run.packages()
    run.flag("--once", "one process for each language")
    run.add_argument(
        "--no-cache",
        action="store_false",
        default=not is_off("CACHE"),
        dest="cache",
        help="also what has succeeded on the same content",
    )
    run.flag("--why-run", "say what has changed since each task succeeded", "WHY_RUN")
    run.set_defaults(started=None)

    check = verbs.add_parser("check", help="lint, type-check, guard and test")
    check.packages()
    check.flag("--keep-going", "also after a failure")
    hashed = verbs.add_parser("hash", help="print the hash of all that a result depends on")
    hashed.add_argument("package", help="the package; . for the current folder")
    hashed.add_argument("task", help="lint, type-check, test or test-coverage")
    hashed.flag("--explain", "and that of each part")

    formatted = verbs.add_parser("format-javascript", help="fix the style of JavaScript")
    formatted.add_argument("folders", nargs="+", type=Path, help="packages, or the repository")

    dev = verbs.add_parser("dev", help="run services until they are stopped")
    settings = verbs.add_parser(
        "settings", help="write the table of a service's settings into its README.md"
    )
    synced = verbs.add_parser(
        "sync", help="write what manifests say into what tools read, and CODEOWNERS (CHECK)"
    )
    for either in (exported, synced):
        either.flag("--check", "write nothing, and say what differs", "CHECK")
    generated = verbs.add_parser(
        "generate", help="run the commands by which packages are generated from others"
    )
    for either in (dev, settings, synced, generated):
        either.packages()
    for either in (run, check, dev, settings, generated):
        either.flag("--install", "install them first")

    serve = verbs.add_parser("serve", help="run one service in development")
    serve.flag("--once", "run a command that listens nowhere, and ends")
    serve.add_argument("package")
    serve.add_argument("command", nargs=argparse.REMAINDER, help="the command that starts it")

    smoke = verbs.add_parser("smoke", help="smoke-test a service in a clean environment")
    smoke.add_argument("package")

    build = verbs.add_parser("build", help="build the wheel and the sdist of a package in dist/")
    build.add_argument("package")
    build.add_argument("--python", help="the interpreter to build with (default: that of .venv)")

    sbom = verbs.add_parser(
        "sbom", help="write which software packages consist of (default: each service)"
    )
    sbom.packages()
    sbom.add_argument("--format", choices=("cyclonedx", "github"), default="cyclonedx")

    bundle = verbs.add_parser(
        "bundle", help="collect what installs packages without an index (default: each service)"
    )
    bundle.given("--extras", "EXTRAS", metavar="'NAME…'")
    vendor = verbs.add_parser("vendor", help="download what `make install OFFLINE=1` needs")
    for either in (bundle, vendor):
        either.packages()
        either.given("--platform", "PLATFORM", metavar="manylinux_2_28_x86_64")
        either.given("--python-version", "PYTHON_VERSION", metavar="3.X")

    docker = verbs.add_parser("docker", help="write Dockerfiles and compose.yaml (BASE)")
    docker.packages()
    docker.given("--base", "BASE", metavar="IMAGE@sha256:…")

    release = verbs.add_parser("release", help="prepare a release of a published package (BUMP)")
    release.packages()
    release.given("--bump", "BUMP", metavar="major|minor|patch")
    release.add_argument("--tagged", metavar="TAG", help="print the package that a tag names")
    manifest = verbs.add_parser(
        "manifest", help="check base_manifest.yaml, migrate its rows, or derive a package.edn"
    )
    manifest.add_argument("action", choices=("check", "migrate", "derive"))
    manifest.packages(help="what to derive one for")
    migrate = verbs.add_parser("migrate", help="bring in what an old repository has")
    parts = migrate.add_subparsers(required=True, dest="part", metavar="part")
    required = parts.add_parser(
        "requirements", help="turn requirements files into pins, indexes and extras (FILES, PKG)"
    )
    required.add_argument("files", nargs="*", metavar="FILE")
    required.given("--as", "PKG", metavar="PACKAGE")
    brought = parts.add_parser("import", help="make a package of a folder (FROM and AT)")
    brought.given("path", "FROM", nargs="?")
    brought.given("--as", "AT", metavar="shared/py/audio")
    ratchet = verbs.add_parser(
        "ratchet", help="say what packages need in place of an extra for a migration"
    )
    ratchet.packages()
    ratchet.flag("--fix", "write it, each after a proof")
    ratchet.given("--svg", "SVG", metavar="FILE")
    phase = verbs.add_parser("phase", help="show how far a migration is, and what is next")
    documents = verbs.add_parser("sync-docs", help="draw the graphs in documents anew")
    changing = (
        *(new, remove, rename, split, flatten, env, upgrade, docker, release, settings),
        documents,
    )
    for either in (*changing, manifest, required, brought, ratchet, exported):
        either.flag("--dry-run", "only show the changes", "DRY_RUN")

    guard = verbs.add_parser("guard", help="check the repository against its rules")
    guard.words("rules", "RULE")
    guard.add_argument(
        "--package", nargs="+", default=os.environ.get("PKG", "").split(), dest="packages"
    )
    for either in (guard, check):
        either.given(
            "--changed",
            "CHANGED",
            nargs="?",
            const="HEAD",
            metavar="BASE",
            help="rules: only what BASE (by default, HEAD) does not have (CHANGED)",
        )
        either.flag("--fix", "apply the fixes that need no judgement")
    here = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    guard.add_argument("--format", choices=("text", "json", "github", "sarif"), default=here)
    guard.add_argument(
        "--baseline",
        nargs="*",
        metavar="RULE",
        help="accept the current findings, or all of these rules anew",
    )

    doctor = verbs.add_parser("doctor", help="check this machine and this checkout")
    doctor.flag("--fix", "run the commands that mend safely")

    explain = verbs.add_parser(
        "explain", help="explain a rule: what, why, and how to fix a finding"
    )
    explain.given("rule", "RULE", nargs="?")

    lock = verbs.add_parser("lock", help="update the pins")
    lock.given("--upgrade", "UPGRADE", metavar="'all'|'NAME…'")
    for either in (new, remove, rename, split, env, eject, flatten, lock):
        either.flag("--install", "also install")

    matrix = verbs.add_parser(
        "matrix", help="distribute the sessions that nox lists over CI jobs (BASE)"
    )
    matrix.given("--base", "BASE", metavar="REF", help="only of affected packages")
    matrix.flag("--names", "only name the sessions")

    bounds = verbs.add_parser(
        "bounds", help="find lower bounds that the tests of packages fail with"
    )
    bounds.packages()

    for name, summary in (
        ("setup", "create the root environment with the tools"),
        ("install-hooks", "install the git hook that checks commits"),
        ("stop", "stop the services that dev started"),
        ("lock-check", "check that the pins are up to date, offline"),
        ("outdated", "list the pins that have newer versions"),
    ):
        verbs.add_parser(name, help=summary)
    audit = verbs.add_parser("audit", help="list the known vulnerabilities of the pins")
    shown = (upgrade, listed, hashed, doctor, manifest, required, brought, ratchet, phase)
    for either in (*shown, split, audit):
        either.form()
    return whole
