"""Fresh monorepos pass declared, extras and heavy; each rule fires for what it is for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from tests.template.baking import SHAPES, bake

RULES = ("declared", "extras", "heavy")
CORE = "shared/py/core"
API = "services/py/api"
RUNTIME = "shared/py/service"


def fired(root: Path) -> set[str]:
    """Return the rules that found something, and fail on a finding that is not about a line."""
    found = runner.guard(workspace.load(root), RULES)
    assert all(one.line for one in found if one.status == "error"), found
    return {one.rule for one in found if one.message != "nothing to check"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_monorepo_has_no_findings(shape: str, tmp_path: Path) -> None:
    assert fired(bake(tmp_path, packages=SHAPES[shape])) == set()


@pytest.fixture(scope="module")
def monorepo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("guard"))


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Return a change of a text in which `old` stands."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def before(line: str) -> Callable[[str], str]:
    return lambda text: f"{line}\n{text}"


MUTATORS = {
    "an import that nothing declares": (
        f"{CORE}/src/acme_core/retries.py",
        before("import requests"),
        "declared",
    ),
    "one in a function": (
        f"{CORE}/src/acme_core/retries.py",
        lambda text: f"{text}\n\ndef late() -> None:\n    import requests.adapters as late\n",
        "declared",
    ),
    "a service that relies on what its runtime needs": (
        f"{API}/pyproject.toml",
        replaced('    "fastapi>=0.165",\n', ""),
        "declared",
    ),
    "an internal package that is not declared": (
        f"{CORE}/src/acme_core/retries.py",
        before("import acme_service"),
        "declared",
    ),
    "a dependency that nobody uses": (
        f"{CORE}/pyproject.toml",
        replaced("dependencies = []", 'dependencies = [\n    "requests>=2",\n]'),
        "declared",
    ),
    "a service that does not ask for the extra": (
        f"{API}/pyproject.toml",
        replaced("acme-service[fastapi]", "acme-service"),
        "extras",
    ),
    "an extra that is renamed": (
        f"{RUNTIME}/pyproject.toml",
        replaced("fastapi = [", "web = ["),
        "extras",
    ),
    "a top that needs an extra": (
        f"{RUNTIME}/src/acme_service/__init__.py",
        replaced("from .logs", "from .fastapi import serve\nfrom .logs"),
        "extras",
    ),
    "code that only the group of the tests brings": (
        f"{CORE}/src/acme_core/retries.py",
        before("import pytest"),
        "declared",
    ),
    "an extra for nobody": (
        f"{CORE}/pyproject.toml",
        replaced("dependencies]\n", 'dependencies]\nidle = ["requests>=2"]\n'),
        "declared",
    ),
    "torch in a base": (
        f"{CORE}/pyproject.toml",
        replaced("dependencies = []", 'dependencies = ["Torch[opt]>=2"]\n'),
        "heavy",
    ),
    "a heavyweight in JavaScript": (
        "shared/js/core/package.json",
        replaced("{\n", '{\n  "dependencies": {\n    "puppeteer": "^24.0.0"\n  },\n'),
        "heavy",
    ),
}


@pytest.mark.parametrize("mutator", MUTATORS)
def test_exactly_the_rule_that_should_fires(mutator: str, monorepo: Path) -> None:
    path, change, rule = MUTATORS[mutator]
    file = monorepo / path
    text = file.read_text(encoding="utf-8")
    # An import that the code has as well: what is unused is another rule's case.
    uses = [monorepo / f"{CORE}/src/acme_core/uses.py", monorepo / "shared/js/core/src/uses.ts"]
    try:
        file.write_text(change(text), encoding="utf-8")
        if mutator == "torch in a base":
            uses[0].write_text("import torch\n", encoding="utf-8")
        if mutator == "a heavyweight in JavaScript":
            uses[1].write_text('import "puppeteer";\n', encoding="utf-8")
        assert fired(monorepo) == {rule}
    finally:
        file.write_text(text, encoding="utf-8")
        for one in uses:
            one.unlink(missing_ok=True)
