"""The targets of a Makefile are those in its text and in what it includes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import makefiles
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("test: lint ## Test\n\ttrue\n", "test", True),
        ("test: lint\n", "lint", False),
        ("a b: c\n", "b", True),
        ("x::\n", "x", True),
        ("x := test:\ny = 1\n", "x", False),
        ("# test:\n\ttest: no\n", "test", False),
        ("run-%: ;\n", "run-all", True),
        ("include more.mk\n", "more", True),
        ("-include gone.mk\n", "more", True),
        ("include $(wildcard *.mk)\n", "anything", True),
        ("$(eval $(call x))\n", "anything", True),
        ("include ./$(ROOT)/y.mk\n", "anything", True),
    ],
)
def test_targets(root: Path, write: Write, text: str, target: str, *, expected: bool) -> None:
    write({"Makefile": text, "more.mk": "more:\n"})
    assert makefiles.has(Sources(workspace.load(root)), "", target) is expected


def test_fragments_of_services_are_for_services(
    root: Path, package: MakePackage, write: Write
) -> None:
    text = "include $(ROOT)/tools/make/services-py.mk\n"
    for path in ("shared/py/a", "services/py/api"):
        package(path)
        write({f"{path}/Makefile": text})
    write({"tools/make/services-py.mk": "smoke:\n"})
    sources = Sources(workspace.load(root))
    assert makefiles.has(sources, "services/py/api", "smoke")
    assert not makefiles.has(sources, "shared/py/a", "smoke")


def test_files_that_include_each_other(root: Path, write: Write) -> None:
    write({"Makefile": "include a.mk\n", "a.mk": "include Makefile\n"})
    assert not makefiles.has(Sources(workspace.load(root)), "", "test")
