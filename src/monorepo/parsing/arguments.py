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

    named = os.environ.get("PKG", "").split()
    install = verbs.add_parser("install", help="create or update environments")
    install.add_argument(
        "packages", nargs="*", default=named, help="paths; . for the current folder"
    )
    install.add_argument("--print", action="store_true", help="print the plain commands instead")

    new = verbs.add_parser(
        "new", help="add a package (AT, DEPS, TEMPLATE, SET and EXAMPLE of `make new`)"
    )
    new.add_argument("--deps", default=os.environ.get("DEPS", ""))
    new.add_argument("--template", default=os.environ.get("TEMPLATE") or None)
    new.add_argument("--set", default=os.environ.get("SET", ""), metavar="'title=…'")
    without = is_off("EXAMPLE")
    for making in (create, new):
        making.add_argument(
            "--no-example",
            action="store_false",
            default=not without,
            dest="example",
            help="make packages without their example",
        )

    remove = verbs.add_parser("remove", help="remove a package (AT of `make remove`)")
    for either in (new, remove):
        either.add_argument("path", nargs="?", default=os.environ.get("AT", ""))
        either.add_argument("--install", action="store_true", help="also install")

    rename = verbs.add_parser("rename", help="rename a package (AT and TO of `make rename`)")
    rename.add_argument("path", nargs="?", default=os.environ.get("AT", ""))
    rename.add_argument("to", nargs="?", default=os.environ.get("TO", ""), help="its new path")
    rename.add_argument("--install", action="store_true", help="also install")

    split = verbs.add_parser(
        "split", help="make a package of a module (PKG, MODULE and AT of `make split`)"
    )
    split.add_argument("path", nargs="?", default=os.environ.get("PKG", ""), metavar="package")
    split.add_argument("--module", default=os.environ.get("MODULE", ""))
    split.add_argument("--as", default=os.environ.get("AT", ""), metavar="PATH")
    split.add_argument("--install", action="store_true", help="also install what this runs on")

    env = verbs.add_parser("env", help="change which environments there are (TO of `make env`)")
    env.add_argument("action", choices=("convert",))
    env.add_argument("--to", default=os.environ.get("TO", ""), metavar="|".join(ENVIRONMENTS))
    env.add_argument("--install", action="store_true", help="also install")

    template = verbs.add_parser("template", help="copy a sub-template into tools/templates (KIND)")
    template.add_argument("kind", nargs="?", default=os.environ.get("KIND", ""))

    eject = verbs.add_parser("eject", help="unpack the source of the engine into tools/src")
    given = bool(os.environ.get("UNDO"))
    eject.add_argument("--undo", action="store_true", default=given, help="go back to the wheel")
    flatten = verbs.add_parser(
        "flatten", help="move packages to packages/<name> (PKG of `make flatten`)"
    )
    flatten.add_argument("packages", nargs="*", default=named, help="packages; all by default")
    flatten.add_argument("--undo", action="store_true", default=given, help="move them back")
    flatten.add_argument("--install", action="store_true", help="also install")
    eject.add_argument("--install", action="store_true", help="also update .venv")

    upgrade = verbs.add_parser(
        "upgrade", help="follow the template (TO, SET, FROM, ANSWERS, CHECK)"
    )
    upgrade.add_argument(
        "packages", nargs="*", default=named, help="packages to upgrade; all by default"
    )
    upgrade.add_argument("--to", default=os.environ.get("TO", ""), metavar="VERSION|WHEEL")
    upgrade.add_argument("--set", default=os.environ.get("SET", ""), metavar="'question=…'")
    upgrade.add_argument("--from", default=os.environ.get("FROM", ""), metavar="WHEEL|CLONE@COMMIT")
    upgrade.add_argument("--answers", default=os.environ.get("ANSWERS", ""), metavar="'license=…'")
    given = bool(os.environ.get("CHECK"))
    upgrade.add_argument(
        "--check", action="store_true", default=given, help="only check for a newer version"
    )
    upgrade.add_argument("--format", choices=("text", "json"), default="text")
    upgrade.add_argument("--wheel", default="", help=argparse.SUPPRESS)

    listed = verbs.add_parser("list", help="list the packages")
    listed.add_argument("--format", choices=("text", "json"), default="text")

    graph = verbs.add_parser("graph", help="show the dependency graph (FORMAT, FOCUS, BASE, OUT)")
    graph.add_argument(
        "--format",
        default=os.environ.get("FORMAT") or "text",
        metavar="text|json|mermaid|dot|html",
    )
    focus = os.environ.get("FOCUS", "")
    graph.add_argument("--focus", default=focus, metavar="PKG", help="only what is about it")
    reference = os.environ.get("BASE", "")
    graph.add_argument(
        "--affected", default=reference, metavar="REF", help="mark what changes since it affect"
    )
    graph.add_argument("--output", default=os.environ.get("OUT", ""), metavar="FILE")

    affected = verbs.add_parser(
        "affected", help="list the packages that a change affects, and why (BASE, HEAD, WHY)"
    )
    affected.add_argument("--base", default=os.environ.get("BASE", ""), metavar="REF")
    affected.add_argument("--head", default=os.environ.get("HEAD", ""), metavar="REF")
    affected.add_argument("--why", default=os.environ.get("WHY", ""), metavar="PACKAGE")
    given_format = os.environ.get("FORMAT") or "text"
    affected.add_argument("--format", default=given_format, metavar="text|json|github|paths")

    exported = verbs.add_parser(
        "export", help="write the graph as the files of an engine: mise, moon or nx (TO, CHECK)"
    )
    exported.add_argument(
        "engines", nargs="*", default=os.environ.get("TO", "").split(), metavar="mise|moon|nx"
    )
    given = bool(os.environ.get("UNDO"))
    exported.add_argument("--undo", action="store_true", default=given, help="remove its files")
    exported.add_argument(
        "--check",
        action="store_true",
        default=bool(os.environ.get("CHECK")),
        help="write nothing, and say what differs",
    )

    run = verbs.add_parser("run", help="run a Make target in many packages")
    run.add_argument("target")
    run.add_argument("packages", nargs="*", default=named)
    run.add_argument("--once", action="store_true", help="one process for each language")
    run.add_argument(
        "--no-cache",
        action="store_false",
        default=not is_off("CACHE"),
        dest="cache",
        help="also what has succeeded on the same content",
    )
    run.add_argument(
        "--why-run",
        action="store_true",
        default=_on("WHY_RUN"),
        help="say what has changed since each task succeeded",
    )

    run.set_defaults(started=None)

    check = verbs.add_parser("check", help="lint, type-check, guard and test")
    check.add_argument("packages", nargs="*", default=named)
    check.add_argument("--keep-going", action="store_true", help="also after a failure")
    hashed = verbs.add_parser("hash", help="print the hash of all that a result depends on")
    hashed.add_argument("package", help="the package; . for the current folder")
    hashed.add_argument("task", help="lint, type-check, test or test-coverage")
    hashed.add_argument("--explain", action="store_true", help="and that of each part")
    hashed.add_argument("--format", choices=("text", "json"), default="text")

    formatted = verbs.add_parser("format-javascript", help="fix the style of JavaScript")
    formatted.add_argument("folders", nargs="+", type=Path, help="packages, or the repository")

    dev = verbs.add_parser("dev", help="run services until they are stopped")
    dev.add_argument("packages", nargs="*", default=named)
    settings = verbs.add_parser(
        "settings", help="write the table of a service's settings into its README.md"
    )
    settings.add_argument("packages", nargs="*", default=named)
    synced = verbs.add_parser(
        "sync", help="write what manifests say into what tools read, and CODEOWNERS (CHECK)"
    )
    synced.add_argument("packages", nargs="*", default=named)
    synced.add_argument(
        "--check",
        action="store_true",
        default=bool(os.environ.get("CHECK")),
        help="write nothing, and say what differs",
    )
    generated = verbs.add_parser(
        "generate", help="run the commands by which packages are generated from others"
    )
    generated.add_argument("packages", nargs="*", default=named)
    for either in (run, check, dev, settings, generated):
        either.add_argument("--install", action="store_true", help="install them first")

    serve = verbs.add_parser("serve", help="run one service in development")
    serve.add_argument(
        "--once", action="store_true", help="run a command that listens nowhere, and ends"
    )
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
    sbom.add_argument("packages", nargs="*", default=named)
    sbom.add_argument("--format", choices=("cyclonedx", "github"), default="cyclonedx")

    bundle = verbs.add_parser(
        "bundle", help="collect what installs packages without an index (default: each service)"
    )
    bundle.add_argument("packages", nargs="*", default=named)
    bundle.add_argument("--extras", default=os.environ.get("EXTRAS", ""), metavar="'NAME…'")
    vendor = verbs.add_parser("vendor", help="download what `make install OFFLINE=1` needs")
    vendor.add_argument("packages", nargs="*", default=named)
    for either in (bundle, vendor):
        given_platform = os.environ.get("PLATFORM", "")
        either.add_argument("--platform", default=given_platform, metavar="manylinux_2_28_x86_64")
        python = os.environ.get("PYTHON_VERSION", "")
        either.add_argument("--python-version", default=python, metavar="3.X")

    docker = verbs.add_parser("docker", help="write Dockerfiles and compose.yaml (BASE)")
    docker.add_argument("packages", nargs="*", default=named)
    docker.add_argument("--base", default=os.environ.get("BASE", ""), metavar="IMAGE@sha256:…")

    release = verbs.add_parser("release", help="prepare a release of a published package (BUMP)")
    release.add_argument("packages", nargs="*", default=named)
    bump = os.environ.get("BUMP", "")
    release.add_argument("--bump", default=bump, metavar="major|minor|patch")
    manifest = verbs.add_parser(
        "manifest", help="check base_manifest.yaml, migrate its rows, or derive a package.edn"
    )
    manifest.add_argument("action", choices=("check", "migrate", "derive"))
    manifest.add_argument("packages", nargs="*", default=named, help="what to derive one for")
    migrate = verbs.add_parser("migrate", help="bring in what an old repository has")
    parts = migrate.add_subparsers(required=True, dest="part", metavar="part")
    required = parts.add_parser(
        "requirements", help="turn requirements files into pins, indexes and extras (FILES, PKG)"
    )
    required.add_argument("files", nargs="*", metavar="FILE")
    required.add_argument("--as", default=os.environ.get("PKG", ""), metavar="PACKAGE")
    brought = parts.add_parser("import", help="make a package of a folder (FROM and AT)")
    brought.add_argument("path", nargs="?", default=os.environ.get("FROM", ""))
    brought.add_argument("--as", default=os.environ.get("AT", ""), metavar="shared/py/audio")
    ratchet = verbs.add_parser(
        "ratchet", help="say what packages need in place of an extra for a migration"
    )
    ratchet.add_argument("packages", nargs="*", default=named)
    ratchet.add_argument("--fix", action="store_true", help="write it, each after a proof")
    ratchet.add_argument("--svg", default=os.environ.get("SVG", ""), metavar="FILE")
    phase = verbs.add_parser("phase", help="show how far a migration is, and what is next")
    given = _on("DRY_RUN")
    documents = verbs.add_parser("sync-docs", help="draw the graphs in documents anew")
    changing = (
        *(new, remove, rename, split, flatten, env, upgrade, docker, release, settings),
        documents,
    )
    for either in (*changing, manifest, required, brought, ratchet, exported):
        either.add_argument(
            "--dry-run", action="store_true", default=given, help="only show the changes"
        )
    release.add_argument("--tagged", metavar="TAG", help="print the package that a tag names")

    guard = verbs.add_parser("guard", help="check the repository against its rules")
    guard.add_argument("rules", nargs="*", default=os.environ.get("RULE", "").split())
    guard.add_argument("--package", nargs="+", default=named, dest="packages")
    for either in (guard, check):
        either.add_argument(
            "--changed", action="store_true", help="rules: only files that differ from HEAD"
        )
        either.add_argument(
            "--fix", action="store_true", help="apply the fixes that need no judgement"
        )
    here = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    guard.add_argument("--format", choices=("text", "json", "github", "sarif"), default=here)
    guard.add_argument("--baseline", action="store_true", help="accept the current findings")

    doctor = verbs.add_parser("doctor", help="check this machine and this checkout")
    doctor.add_argument("--fix", action="store_true", help="run the commands that mend safely")
    for either in (doctor, manifest, required, brought, ratchet, phase, split):
        either.add_argument("--format", choices=("text", "json"), default="text")

    explain = verbs.add_parser(
        "explain", help="explain a rule: what, why, and how to fix a finding"
    )
    explain.add_argument("rule", nargs="?", default=os.environ.get("RULE", ""))

    lock = verbs.add_parser("lock", help="update the pins")
    lock.add_argument("--upgrade", default=os.environ.get("UPGRADE", ""), metavar="'all'|'NAME…'")
    lock.add_argument("--install", action="store_true", help="also update .venv")

    matrix = verbs.add_parser(
        "matrix", help="distribute the sessions that nox lists over CI jobs (BASE)"
    )
    base = os.environ.get("BASE", "")
    matrix.add_argument("--base", default=base, metavar="REF", help="only of affected packages")
    matrix.add_argument("--names", action="store_true", help="only name the sessions")

    bounds = verbs.add_parser(
        "bounds", help="find lower bounds that the tests of packages fail with"
    )
    bounds.add_argument("packages", nargs="*", default=named)

    for name, summary in (
        ("setup", "create the root environment with the tools"),
        ("install-hooks", "install the git hook that checks commits"),
        ("stop", "stop the services that dev started"),
        ("lock-check", "check that the pins are up to date, offline"),
        ("outdated", "list the pins that have newer versions"),
    ):
        verbs.add_parser(name, help=summary)
    audit = verbs.add_parser("audit", help="list the known vulnerabilities of the pins")
    audit.add_argument("--format", choices=("text", "json"), default="text")
    return whole
