"""What was rendered becomes a repository: without what was not asked for, with engine and git."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.generate import generate_files

from monorepo.core import hashes, workspace
from monorepo.core.hashes import HASHES
from monorepo.locking import pnpm_locks
from monorepo.parsing import pnpm_lockfile
from monorepo.scaffold import completion, creation
from monorepo.system.errors import UsageError
from monorepo.templating import template

Rendered = Callable[[str], tuple[Path, dict[str, Any]]]
EVERY = {path for paths in completion.ONLY_WITH.values() for path in paths}


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    """Return what renders the template for some packages: the folder, and the answers."""
    out = tmp_path / "a b ü"
    out.mkdir()

    def rendered(packages: str) -> tuple[Path, dict[str, Any]]:
        words = ["--no-input", "--default-config", "repo_name=acme", f"packages={packages}"]
        context = creation.collect(words, out)
        made = generate_files(template.TEMPLATE, {"cookiecutter": context}, out, accept_hooks=False)
        return Path(made), context

    return rendered


@pytest.mark.parametrize(
    ("packages", "kept", "locked"),
    [
        (
            "services/py/api",
            {*completion.ONLY_WITH["__python"]},
            [],
        ),
        (
            "shared/js/core",
            {*completion.ONLY_WITH["__javascript"]} - {"tools/make/services-js.mk"},
            [".", "templates/shared-js"],
        ),
    ],
)
def test_only_what_was_asked_for_is_there(
    rendered: Rendered, packages: str, kept: set[str], locked: list[str]
) -> None:
    project, context = rendered(packages)
    completion.finish(project, context)
    assert packages in workspace.load_whole(project).packages
    assert {path for path in EVERY if (project / path).exists()} == kept
    if locked:
        text = (project / pnpm_locks.TEMPLATES_LOCK).read_text(encoding="utf-8")
        assert list(pnpm_lockfile.parse(text).importers) == locked


def test_the_new_repository_stands_by_itself(
    rendered: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, context = rendered("shared/py/core")
    assert list(workspace.load(project).packages) == []
    # As git does it for a hook.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "callers"))
    cache = project / "tools/make/__pycache__"
    cache.mkdir()
    (cache / "engine.pyc").touch()
    stale = f"nobody==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    text = (project / HASHES).read_text(encoding="utf-8")
    (project / HASHES).write_text(text + stale, encoding="utf-8")
    completion.finish(project, context)
    assert (project / ".git/HEAD").read_text(encoding="utf-8") == "ref: refs/heads/main\n"
    assert not (tmp_path / "callers").exists()
    assert not cache.exists()
    assert hashes.problems(project) == []
    space = workspace.load_whole(project)
    assert list(space.packages) == ["shared/py/core"]
    assert (project / space.engine.path).is_file()


def test_what_cannot_be_completed_is_told(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, context = rendered("shared/py/core")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(project))
        with pytest.raises(UsageError, match=r"^git: is not on the PATH; install it$"):
            completion.finish(project, context)
    (project / ".git").write_text("nonsense", encoding="utf-8")
    said = "^git: refused to start a repository; git 2.28 or newer is needed$"
    with pytest.raises(UsageError, match=said):
        completion.finish(project, context)
    (project / ".git").unlink()
    with pytest.raises(UsageError, match=r"^'shared/py/test': is reserved by "):
        completion.finish(project, {**context, "packages": "shared/py/test"})
    assert list(workspace.load(project).packages) == []
