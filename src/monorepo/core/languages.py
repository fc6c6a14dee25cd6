"""The languages of packages, and the areas in which packages stand: the folder tells the language.

Standard library only.
"""

from enum import StrEnum


class Language(StrEnum):
    """A language; its value is what folders and sub-templates are called by."""

    PYTHON = "py"
    JAVASCRIPT = "js"

    @property
    def manifest(self) -> str:
        """The file that says what a package is and needs."""
        return _MANIFESTS[self]

    @property
    def fragment(self) -> str:
        """The fragment of Make with the commands of every task, from the root."""
        return f"tools/make/{self}.mk"

    @property
    def naming(self) -> str:
        """The fact about a package that is its name in this language: see sub_templates.facts."""
        return _NAMES[self]

    @property
    def test(self) -> str:
        """An example of a file of tests, from the package's folder."""
        return _TESTS[self]


_MANIFESTS = {Language.PYTHON: "pyproject.toml", Language.JAVASCRIPT: "package.json"}
_NAMES = {Language.PYTHON: "distribution", Language.JAVASCRIPT: "npm_name"}
_TESTS = {Language.PYTHON: "tests/unit/test_it.py", Language.JAVASCRIPT: "tests/it.test.ts"}

# Where packages stand, in the order in which they are shown.
AREAS = ("shared/py", "shared/js", "services/py", "services/js")


def of(path: str) -> Language:
    """Return the language of an area, of the package at a path, or of a file in it.

    Raises:
        ValueError: it is in no area.
    """
    return Language(path.split("/")[1])
