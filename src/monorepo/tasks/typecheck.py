"""One mypy process over the sources and tests of many packages.

`python -I -m monorepo.tasks.typecheck PACKAGE…` runs it.

mypy names a test file after its file name, so two packages with a `test_health.py` each are a
"Duplicate module" to it, and its options cannot change that for folders with a hyphen in the
name. Here every test file gets a name made from its whole path before mypy builds. All else is
mypy's own: the configuration, the cache, the messages and the exit codes.
"""

import sys
import time
from pathlib import Path

from monorepo.core.workspace import ADD

try:
    from mypy.fscache import FileSystemCache
    from mypy.main import process_options, run_build
    from mypy.util import FancyFormatter, count_stats, hard_exit
except ModuleNotFoundError:
    print(f"monorepo: mypy: not installed; {ADD}", file=sys.stderr)
    sys.exit(2)


def folders_of(packages: list[str], name: str) -> list[str]:
    """Return the folders `name` of packages that contain Python; some packages have no tests."""
    folders = [Path(package, name) for package in packages]
    return [str(folder) for folder in folders if any(folder.rglob("*.py"))]


def main(arguments: list[str]) -> int:
    """Check the given packages; arguments that start with a hyphen are mypy's (`--name=value`).

    Run it in the repository's root, where mypy finds its configuration and cache.
    """
    packages = [argument for argument in arguments if not argument.startswith("-")]
    tests = folders_of(packages, "tests")
    folders = folders_of(packages, "src") + tests
    if not folders:
        print("monorepo: type-check: no Python in the given packages", file=sys.stderr)
        return 2
    started = time.time()
    cache = FileSystemCache()
    # Without --python-executable, mypy would look for the packages of any `python3.x` on the
    # PATH that has the version of the configuration.
    flags = [f"--python-executable={sys.executable}"]
    flags += [argument for argument in arguments if argument.startswith("-")]
    sources, options = process_options([*flags, "--", *folders], fscache=cache)
    for source in sources:
        if source.path and source.path.startswith(tuple(f"{folder}/" for folder in tests)):
            source.module = source.path.removesuffix(".py").replace("/", "~")
            source.base_dir = None
    _, messages, blocked = run_build(sources, options, cache, started, sys.stdout, sys.stderr)
    errors, notes, files = count_stats(messages)
    if options.error_summary:
        formatter = FancyFormatter(
            sys.stdout, sys.stderr, options.hide_error_codes, hide_success=bool(options.output)
        )
        if errors:
            summary = formatter.format_error(
                errors, files, len(sources), blockers=blocked, use_color=options.color_output
            )
            print(summary)
        elif len(messages) == notes:
            print(formatter.format_success(len(sources), options.color_output))
    if len(messages) == notes:
        return 0
    return 2 if blocked else 1


if __name__ == "__main__":
    # Freeing all objects of a large run would take as long as the check; mypy does the same.
    hard_exit(main(sys.argv[1:]))
