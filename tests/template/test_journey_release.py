"""The newest release is found on an index, and the weekly workflow hands on what comes of it."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.template.baking import changed, commit, run
from tests.template.releases import Releases
from tests.template.test_journey_index import Index, alone, index
from tests.template.test_upgrade_requests import newer, older

pytestmark = pytest.mark.slow

__all__ = ["index"]


@pytest.fixture(scope="module")
def made(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with its tools."""
    root = releases.repository(tmp_path_factory.mktemp("a b"), releases.wheel("0.4.0", older))
    run(root, "make", "install")
    return root


@pytest.fixture
def env(index: Index, tmp_path: Path) -> dict[str, str]:
    """Return variables by which no other index is known."""
    return alone(index, tmp_path)


def refused(root: Path, env: Mapping[str, str], *words: str) -> str:
    """Fail unless an upgrade is refused and leaves all as it is; return what it says."""
    said = run(root, "make", "upgrade", *words, env=env, code=2)
    assert changed(root) == ""
    return said


def publish(wheel: Path, index: Index) -> Path:
    """Put a release on an index, which tells its hash, and return the file there."""
    index.told[wheel.name] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Path(shutil.copy(wheel, index.wheels))


def test_the_newest_release(
    made: Path, releases: Releases, index: Index, env: dict[str, str]
) -> None:
    none = "the index has no wheel of cookiecutter-monorepo"
    assert f"monorepo: TO: {none}; give the path of one" in refused(made, env)
    publish(releases.wheel("0.3.9", older), index)
    said = refused(made, env, "TO=0.3.9")
    assert "TO=0.3.9: is older than 0.4.0, which this repository has" in said
    in_step = "the repository is in step with version 0.4.0 of its template\n"
    assert run(made, "make", "upgrade", env=env).endswith(in_step)
    publish(releases.wheel("0.4.0", older), index)
    assert run(made, "make", "upgrade", env=env).endswith(in_step)
    new = releases.wheel("0.5.0", newer)
    publish(new, index)
    assert "TO=0.9.0: the index has no wheel of cookiecutter-monorepo==0.9.0" in refused(
        made, env, "TO=0.9.0"
    )
    behind = refused(made, env, "CHECK=1")
    assert "the repository is behind version 0.5.0 of its template\n" in behind
    assert "- A team, an owner.\n" in behind
    assert {*index.asked} <= {
        "cookiecutter-monorepo",
        *(path.name for path in index.wheels.iterdir()),
    }

    said = run(made, "make", "upgrade", env=env)
    assert "upgraded from 0.4.0 to 0.5.0\n" in said
    assert (made / "tools" / new.name).read_bytes() == new.read_bytes()
    run(made, "git", "reset", "--quiet", "--hard")


def test_a_release_that_is_not_what_it_should_be(
    made: Path, releases: Releases, index: Index, env: dict[str, str]
) -> None:
    wheel = publish(releases.wheel("0.5.0", newer), index)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.pth", "import os; os.abort()\n")
    assert "a file does not match its hash" in refused(made, env, "TO=0.5.0")
    # It is what the index tells, but has more than a release writes again.
    publish(wheel.rename(wheel.parent.parent / wheel.name), index)
    said = refused(made, {**env, "UV_CACHE_DIR": env["UV_CACHE_DIR"] + "-2"}, "TO=0.5.0")
    assert "cookiecutter-monorepo==0.5.0: does not give the wheel that the index has" in said
    # A hash is needed.
    index.told.clear()
    said = refused(made, {**env, "UV_CACHE_DIR": env["UV_CACHE_DIR"] + "-3"}, "TO=0.5.0")
    assert "cookiecutter-monorepo==0.5.0: the index has no hash of it; give TO=" in said


def test_the_workflow_hands_on_a_patch(
    made: Path, releases: Releases, index: Index, env: dict[str, str], tmp_path: Path
) -> None:
    new = releases.wheel("0.5.0", newer)
    publish(new, index)
    workflow = yaml.safe_load((made / ".github/workflows/upgrade.yml").read_text("utf-8"))
    (script,) = [one["run"] for one in workflow["jobs"]["upgrade"]["steps"] if "run" in one]
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output")}
    run(made, "bash", "-e", "-c", script, env={**env, **runner})
    assert (tmp_path / "output").read_text(encoding="utf-8") == "behind=yes\n"
    wanted = run(made, "git", "write-tree")
    news = (tmp_path / "upgrade/news.md").read_text(encoding="utf-8")
    assert news.startswith("the repository is behind version 0.5.0 of its template\n")
    merged = (tmp_path / "upgrade/merged.txt").read_text(encoding="utf-8")
    assert merged.startswith("upgraded from 0.4.0 to 0.5.0\n")
    run(made, "git", "reset", "--quiet", "--hard")
    # The next job has nothing but a checkout and these texts.
    run(tmp_path, "git", "clone", "--quiet", made, "checkout")
    run(tmp_path / "checkout", "git", "apply", "--index", tmp_path / "upgrade/upgrade.patch")
    assert run(tmp_path / "checkout", "git", "write-tree") == wanted
    assert (tmp_path / "checkout/tools" / new.name).read_bytes() == new.read_bytes()
    run(tmp_path / "checkout", "git", "commit", "--quiet", "--message", "Upgrade the template")

    # With a conflict, there is none.
    shutil.rmtree(tmp_path / "upgrade")
    with (made / ".env.example").open("a", encoding="utf-8") as file:
        file.write("# OURS=1\n")
    commit(made)
    run(made, "bash", "-e", "-c", script, env={**env, **runner})
    assert not (tmp_path / "upgrade/upgrade.patch").exists()
    merged = (tmp_path / "upgrade/merged.txt").read_text(encoding="utf-8")
    assert "\n  .env.example: changed in the same place here and by the template" in merged
    run(made, "git", "reset", "--quiet", "--hard", "HEAD~1")
