"""The style of a team is its own: what comes with the repository is not reformatted by it."""

import ast
import re
import sysconfig
from pathlib import Path

import pytest

from monorepo.core import languages
from monorepo.core.languages import Language
from monorepo.scaffold import addition
from tests.template.baking import SHAPES, bake, changed, run, texts

RUFF = Path(sysconfig.get_path("scripts"), "ruff")


def test_noxfiles_have_nothing_to_explain(baked: Path) -> None:
    noxfiles = [path for path in baked.rglob("noxfile.py") if path.parent != baked]
    assert len(noxfiles) == 8
    for path in noxfiles:
        text = path.read_text(encoding="utf-8")
        assert "noqa" not in text
        docstring, *statements = ast.parse(text).body
        assert isinstance(docstring, ast.Expr)
        assert sum(isinstance(one, ast.stmt) for body in statements for one in ast.walk(body)) <= 5
    run(baked, RUFF, "check", "--no-cache", *noxfiles, baked / "noxfile.py")
    run(baked, RUFF, "format", "--no-cache", "--check", *noxfiles, baked / "noxfile.py")


def test_code_with_a_long_name_has_the_style_of_the_formatters(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES["apps"])
    name = "order-processing-gateway-of-the-north"
    addition.add(root, [f"{area}/{name}" for area in languages.AREAS])
    addition.add(root, [f"{area}/{name}-bare" for area in languages.AREAS], example=False)
    answers = {"service": name}
    addition.add(root, ["shared/js/client"], template="openapi-client", answers=answers)
    places = [root / area for area in languages.AREAS if area.endswith(Language.PYTHON)]
    run(root, RUFF, "check", "--no-cache", *places)
    run(root, RUFF, "format", "--no-cache", "--check", *places)
    for path in texts(root):
        if path.endswith((".ts", ".tsx")):
            lines = (root / path).read_text(encoding="utf-8").splitlines()
            assert not [line for line in lines if name in line and len(line) > 100], path


@pytest.mark.slow
@pytest.mark.parametrize("length", [88, 120])
def test_another_line_length_changes_packages_alone(ready: Path, length: int) -> None:
    configuration = ready / "pyproject.toml"
    text = configuration.read_text(encoding="utf-8")
    other = text.replace("\nline-length = 100\n", f"\nline-length = {length}\n")
    assert other != text
    configuration.write_text(other, encoding="utf-8")
    try:
        run(ready, "make", "format")
        paths = re.findall(r"^.. (.*)$", changed(ready), re.MULTILINE)
    finally:
        run(ready, "git", "checkout", "--quiet", ".")
    assert "pyproject.toml" in paths
    paths.remove("pyproject.toml")
    assert [path for path in paths if not path.startswith(("shared/", "services/"))] == []
    assert paths
