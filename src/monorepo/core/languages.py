"""The languages and the kinds of packages, and the folders that contain packages.

An area defines both: `services/py` has services in Python. In the flat layout, which has one folder
for all, the manifest defines them. Standard library only.
"""

from enum import StrEnum
from functools import cache


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
    def label(self) -> str:
        """Its name for people."""
        return _LABELS[self]

    @property
    def naming(self) -> str:
        """The key of the package name in this language in `sub_templates.facts`."""
        return _NAMES[self]

    @property
    def test(self) -> str:
        """The path of an example test file, relative to the package."""
        return _TESTS[self]


_MANIFESTS = {Language.PYTHON: "pyproject.toml", Language.JAVASCRIPT: "package.json"}
# The languages by their manifests, and how the path of a manifest ends.
BY_MANIFEST = {manifest: language for language, manifest in _MANIFESTS.items()}
MANIFESTS = tuple(BY_MANIFEST)
_LABELS = {Language.PYTHON: "Python", Language.JAVASCRIPT: "JavaScript"}
_NAMES = {Language.PYTHON: "distribution", Language.JAVASCRIPT: "npm_name"}
_TESTS = {Language.PYTHON: "tests/unit/test_it.py", Language.JAVASCRIPT: "tests/it.test.ts"}


class Kind(StrEnum):
    """What a package is for; its value is the name of its folder."""

    SHARED = "shared"
    SERVICE = "services"
    APP = "apps"

    @property
    def singular(self) -> str:
        """What one such package is called in messages."""
        return _SINGULARS[self]

    @property
    def prefix(self) -> str:
        """What the names of such packages begin with, after the namespace."""
        return _PREFIXES[self]

    def fragment(self, language: Language) -> str:
        """The path of the Make fragment of such packages in a language."""
        if self is Kind.SHARED:
            return language.fragment
        return f"tools/make/{self}-{language}.mk"


_SINGULARS = {Kind.SHARED: "shared package", Kind.SERVICE: "service", Kind.APP: "app"}
_PREFIXES = {Kind.SHARED: "", Kind.SERVICE: "svc-", Kind.APP: "app-"}

# The folders of the grouped layout that contain packages, in display order.
AREAS = tuple(f"{kind}/{language}" for kind in Kind for language in Language)
# The folder of the flat layout; a package in it is named like its distribution.
FLAT = "packages"
FOLDERS = (*AREAS, FLAT)
# A repository may have both layouts, and so any of these at its root.
TOPS = (*Kind, FLAT)
# What the path of a package begins with.
STARTS = tuple(f"{folder}/" for folder in FOLDERS)


@cache
def of(path: str) -> Language:
    """Return the language of an area, or of a path in one.

    Raises:
        ValueError: the path is in no area.
    """
    return Language(_area(path)[1])


@cache
def kind_of(path: str) -> Kind:
    """Return the kind of packages in an area, or of the package at a path in one.

    Raises:
        ValueError: the path is in no area.
    """
    return Kind(_area(path)[0])


def rank(grouped: str) -> tuple[int, str]:
    """Return the place of a package in display order, by its path in the grouped layout."""
    return AREAS.index(grouped.rpartition("/")[0]), grouped


def owners(path: str) -> tuple[str, ...]:
    """Return the paths that the package may have which a file or folder belongs to."""
    parts = path.split("/")
    return "/".join(parts[:3]), "/".join(parts[:2])


def _area(path: str) -> list[str]:
    parts = path.split("/")[:2]
    if "/".join(parts) not in AREAS:
        raise ValueError(f"{path} is in no area")
    return parts
