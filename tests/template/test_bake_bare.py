"""Bare cookiecutter, for those who do not clone: the same monorepo for good answers."""

import os
import sys
from pathlib import Path

from tests.template.baking import TEMPLATE, bake, files, run

COOKIECUTTER = (sys.executable, "-m", "cookiecutter", "--no-input", "--default-config")


def test_it_makes_the_same_monorepo(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    # A relative path, as one types it: hooks run in another folder.
    run(tmp_path, *COOKIECUTTER, os.path.relpath(TEMPLATE, tmp_path), "--output-dir", theirs)
    ours = bake(tmp_path)
    theirs /= ours.name
    assert files(theirs) == files(ours)
    for name in files(ours):
        assert (theirs / name).read_bytes() == (ours / name).read_bytes(), name


def test_a_bad_answer_leaves_nothing(tmp_path: Path) -> None:
    bad = ("namespace=class", "author_email=nobody", "packages=shared/go/x shared/py/test")
    printed = run(tmp_path, *COOKIECUTTER, TEMPLATE, *bad, code=1)
    for mistake in (
        "cookiecutter-monorepo: namespace: 'class' is a Python keyword",
        "cookiecutter-monorepo: author_email: 'nobody' is not an e-mail address",
        "cookiecutter-monorepo: packages: 'shared/go/x' is not a package's path",
        "cookiecutter-monorepo: packages: 'shared/py/test' is reserved",
    ):
        assert mistake in printed
    assert not list(tmp_path.iterdir())
