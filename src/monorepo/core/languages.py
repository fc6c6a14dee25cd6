"""The languages of packages, and the areas that contain packages. The area defines the language.

Standard library only.
"""

from enum import StrEnum


class Language(StrEnum):
    """A language; its value is the name of its folders and part of sub-template names."""

    PYTHON = "py"
    JAVASCRIPT = "js"

    @property
    def manifest(self) -> str:
        """The file name of a manifest."""
        return _MANIFESTS[self]

    @property
    def fragment(self) -> str:
        """The path of the Make fragment with the commands of every task."""
        return f"tools/make/{self}.mk"

    @property
    def naming(self) -> str:
        """The key of the package name in this language in `sub_templates.facts`."""
        return _NAMES[self]

    @property
    def test(self) -> str:
        """The path of an example test file, relative to the package."""
        return _TESTS[self]


_MANIFESTS = {Language.PYTHON: "pyproject.toml", Language.JAVASCRIPT: "package.json"}
_NAMES = {Language.PYTHON: "distribution", Language.JAVASCRIPT: "npm_name"}
_TESTS = {Language.PYTHON: "tests/unit/test_it.py", Language.JAVASCRIPT: "tests/it.test.ts"}

# The folders that contain packages, in display order.
AREAS = ("shared/py", "shared/js", "services/py", "services/js")


def of(path: str) -> Language:
    """Return the language of an area, or of a path in one.

    Raises:
        ValueError: the path is in no area.
    """
    area = "/".join(path.split("/")[:2])
    if area not in AREAS:
        raise ValueError(f"{path} is in no area")
    return Language(area.rpartition("/")[2])
