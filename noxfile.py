"""The template's own checks on each supported Python: `nox -l`."""

import nox

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PINNED = ("--constraint", "constraints.txt")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests that need no installation; arguments are pytest's."""
    session.install(*PINNED, *nox.project.dependency_groups(nox.project.load_toml(), "test"))
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install(*PINNED, *nox.project.dependency_groups(nox.project.load_toml(), "test"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
