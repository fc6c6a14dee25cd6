"""What can be asked of an upgrade, where it can be asked, and what is refused."""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.template.baking import changed, commit, edit, own_template, run
from tests.template.faults import snapshot
from tests.template.releases import Done, Releases, tree, upgrade

# Each makes repositories and upgrades them, with all that git does on the way.
pytestmark = pytest.mark.slow

CORE, AUDIO = "shared/py/core", "shared/py/audio"
PACKAGES = f"{CORE} {AUDIO}"
IN_STEP = "the repository is in step with version {} of its template\n"


def older(checkout: Path) -> None:
    """Be a release that has nothing of what `newer` has."""
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## 0.4.0\n\n- Old.\n", encoding="utf-8")


def newer(checkout: Path) -> None:
    """Say and ask more, in the root and in packages."""
    news = "# Changelog\n\n## 0.5.0\n\n- A team, an owner.\n\n## 0.4.0\n\n- Old.\n"
    (checkout / "CHANGELOG.md").write_text(news, encoding="utf-8")
    ask(checkout / "cookiecutter.json", "team", "platform")
    append(tree(checkout) / "CONTRIBUTING.md", "\nKept by << cookiecutter.team >>.\n")
    append(tree(checkout) / ".env.example", "# NEW=1\n")
    kind = checkout / "src/monorepo/sub_templates/shared-py"
    ask(kind / "cookiecutter.json", "owner", "nobody")
    (folder,) = kind.glob("{{*")
    append(folder / "README.md", "\nOwned by {{ cookiecutter.owner }}.\n")
    (folder,) = kind.with_name("deps").glob("{{*")
    append(folder / "README.md", "\nOwned by us all.\n")
    for name in ("apps-py", "apps-js"):
        (folder,) = kind.with_name(name).glob("{{*")
        append(folder / "README.md", "\nOwned by its users.\n")
    append(tree(checkout) / "tools/make/apps-js.mk", "# Newer.\n")


def ask(file: Path, key: str, default: str) -> None:
    """Add a question."""
    text = file.read_text(encoding="utf-8")
    questions = {key: default, **json.loads(text)}
    file.write_text(json.dumps(questions, indent=2), encoding="utf-8")


def append(file: Path, text: str) -> None:
    """Add a text to the end of a file."""
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)


@pytest.fixture(scope="module")
def old(releases: Releases) -> Path:
    """Return the release that the repository is made with."""
    return releases.wheel("0.4.0", older)


@pytest.fixture(scope="module")
def new(releases: Releases) -> Path:
    """Return a newer one."""
    return releases.wheel("0.5.0", newer)


@pytest.fixture(scope="module")
def made(releases: Releases, old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository, to be left as it is."""
    return releases.repository(tmp_path_factory.mktemp("made"), old, packages=PACKAGES)


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be worked in."""
    return Path(shutil.copytree(made, tmp_path / "a b", symlinks=True))


def text(root: Path, path: str) -> str:
    """Return the text of a file."""
    return (root / path).read_text(encoding="utf-8")


def record(root: Path, folder: str = "") -> dict[str, Any]:
    """Return what the repository, or a package, records."""
    manifest = tomllib.loads(text(root, f"{folder}/pyproject.toml".lstrip("/")))
    return dict(manifest["tool"]["monorepo"]["template"])


def state(root: Path) -> tuple[object, ...]:
    """Return all that a refused upgrade must leave: files, index and branches."""
    names = run(root, "git", "ls-files", "--others", "--exclude-standard", "--cached")
    kept = {
        path: (root / path).read_bytes() for path in names.splitlines() if (root / path).is_file()
    }
    index = run(root, "git", "ls-files", "--stage")
    return names, kept, index, run(root, "git", "show-ref"), run(root, "git", "worktree", "list")


def refused(root: Path, wheel: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """Fail unless an upgrade is refused in one line and leaves all as it is; return that line."""
    before = state(root)
    done = upgrade(root, "--to", wheel, *words, env=env)
    assert done.code == 2, done.output
    assert state(root) == before
    said = [line for line in done.output.splitlines() if not line.startswith("upgrade: ")]
    assert len(said) == 1, done.output
    assert said[0].startswith("monorepo: ")
    return said[0].removeprefix("monorepo: ")


def good(done: Done) -> str:
    """Return what an upgrade without a conflict has said."""
    assert done.code == 0, done.output
    return done.output


def test_whether_there_is_anything_to_follow(root: Path, old: Path, new: Path) -> None:
    before = state(root)
    assert good(upgrade(root, "--to", old, "--check")) == IN_STEP.format("0.4.0")
    behind = upgrade(root, "--to", new, "--check")
    assert behind.code == 1
    assert behind.output.startswith("the repository is behind version 0.5.0 of its template\n")
    assert "- A team, an owner." in behind.output
    assert "- Old." not in behind.output
    assert state(root) == before
    good(upgrade(root, "--to", new))
    assert good(upgrade(root, "--to", new, "--check")) == IN_STEP.format("0.5.0")


def test_new_questions_get_defaults_or_what_is_given(root: Path, new: Path) -> None:
    said = good(upgrade(root, "--to", new, "--set", "owner='Zoë \"Q\"' license=Apache-2.0"))
    assert "question team: answered with 'platform'\n" in said
    for package in (CORE, AUDIO):
        assert f"question {package}: owner: answered with 'Zoë \"Q\"'\n" in said
        assert record(root, package)["owner"] == 'Zoë "Q"'
        assert 'Owned by Zoë "Q".\n' in text(root, f"{package}/README.md")
    assert record(root)["team"] == "platform"
    assert record(root)["license"] == "Apache-2.0"
    assert "Apache License" in text(root, "LICENSE")
    assert good(upgrade(root, "--to", new)) == IN_STEP.format("0.5.0")


def test_what_nobody_asks_is_refused(root: Path, new: Path) -> None:
    said = refused(root, new, "--set", "colour=red")
    assert said.startswith("SET=colour: is no question of the template, nor of a package")
    assert refused(root, new, "--set", "license=Ours").startswith("license: 'Ours' is not one of")
    assert refused(root, new, "--set", "license").startswith("SET=license: is not an answer;")


@pytest.mark.slow
def test_for_programs(root: Path, new: Path) -> None:
    said = upgrade(root, "--to", new, "--dry-run", "--format", "json")
    assert (said.code, changed(root)) == (0, "")
    told = json.loads(said.output[said.output.index("{") :])
    assert told["schema_version"] == 1
    assert (told["old"], told["new"], told["conflicts"]) == ("0.4.0", "0.5.0", {})
    assert told["followed"] == [AUDIO, CORE]
    assert told["asked"] == {
        "team": "platform",
        f"{AUDIO}: owner": "nobody",
        f"{CORE}: owner": "nobody",
    }
    append(root / ".env.example", "# OURS=1\n")
    commit(root)
    said = upgrade(root, "--to", new, "--format", "json")
    told = json.loads(re.findall(r"^\{.*^\}", said.output, re.DOTALL | re.MULTILINE)[0])
    assert (said.code, [*told["conflicts"]]) == (1, [".env.example"])


def test_what_is_kept(root: Path, new: Path) -> None:
    edit(
        root / "pyproject.toml",
        "[tool.monorepo.template]\n",
        '[tool.monorepo.template]\nkeep = ["/.env*", "CONTRIBUTING.md"]\n',
    )
    edit(
        root / f"{AUDIO}/pyproject.toml",
        "[tool.monorepo.template]\n",
        '[tool.monorepo.template]\nkeep = "We have rewritten it."\n',
    )
    commit(root)
    before = text(root, ".env.example"), text(root, "CONTRIBUTING.md")
    said = good(upgrade(root, "--to", new))
    assert f"{AUDIO}: does not follow: keep: We have rewritten it.\n" in said
    assert (text(root, ".env.example"), text(root, "CONTRIBUTING.md")) == before
    assert record(root)["keep"] == ["/.env*", "CONTRIBUTING.md"]
    assert record(root, AUDIO)["version"] == "0.4.0"
    assert "Owned by" not in text(root, f"{AUDIO}/README.md")
    assert "Owned by nobody.\n" in text(root, f"{CORE}/README.md")


def test_only_some_packages(root: Path, new: Path) -> None:
    said = good(upgrade(root, AUDIO, "--to", new))
    assert f"{CORE}: does not follow: is not in PKG\n" in said
    assert record(root)["version"] == record(root, AUDIO)["version"] == "0.5.0"
    assert record(root, CORE)["version"] == "0.4.0"
    commit(root)
    # The other one is still behind.
    behind = upgrade(root, "--to", new, "--check")
    assert (behind.code, f"  {CORE} is behind its kind\n" in behind.output) == (1, True)
    good(upgrade(root, "--to", new))
    assert record(root, CORE)["version"] == "0.5.0"
    assert "Owned by nobody.\n" in text(root, f"{CORE}/README.md")


def test_no_such_package(root: Path, new: Path) -> None:
    assert "shared/py/gone" in refused(root, new, "shared/py/gone")


@pytest.mark.slow
def test_kinds_of_the_teams_own(root: Path, releases: Releases, old: Path, new: Path) -> None:
    (folder,) = own_template(root, "shared-py", "tool").glob("{{*")
    commit(root)
    engine = {"PYTHONPATH": str(releases.engine(old))}
    command = (sys.executable, "-m", "monorepo", "new", "shared/py/saw", "--template", "tool")
    run(root, *command, env=engine)
    append(root / "shared/py/saw/src/acme_saw/retries.py", "\nOURS = 1\n")
    commit(root)
    was = record(root, "shared/py/saw")["version"]
    assert re.fullmatch("[0-9a-f]{40}", was)
    assert good(upgrade(root, "--to", old)) == IN_STEP.format("0.4.0")

    append(folder / "README.md", "\nA tool.\n")
    (folder / "tests/unit/test_retries.py").rename(folder / "tests/unit/test_attempts.py")
    commit(root)
    behind = upgrade(root, "--to", old, "--check")
    assert (behind.code, "  shared/py/saw is behind its kind\n" in behind.output) == (1, True)
    good(upgrade(root, "--to", old))
    now = record(root, "shared/py/saw")["version"]
    assert now != was
    assert now == run(root, "git", "rev-parse", "HEAD:tools/templates/tool").strip()
    assert text(root, "shared/py/saw/README.md").endswith("\nA tool.\n")
    assert text(root, "shared/py/saw/src/acme_saw/retries.py").endswith("\nOURS = 1\n")
    assert (root / "shared/py/saw/tests/unit/test_attempts.py").exists()
    assert not (root / "shared/py/saw/tests/unit/test_retries.py").exists()
    assert good(upgrade(root, "--to", old)) == IN_STEP.format("0.4.0")
    commit(root)
    # A newer template does not change what is the team's.
    good(upgrade(root, "--to", new))
    assert record(root, "shared/py/saw")["version"] == now
    assert "Owned by" not in text(root, "shared/py/saw/README.md")


@pytest.mark.slow
def test_a_set_of_dependencies(root: Path, releases: Releases, old: Path, new: Path) -> None:
    engine = {"PYTHONPATH": str(releases.engine(old))}
    command = (sys.executable, "-m", "monorepo", "new", "shared/py/ml", "--template", "deps")
    run(root, *command, env=engine)
    edit(root / "shared/py/ml/pyproject.toml", "dependencies = []", 'dependencies = ["acme-core"]')
    commit(root)
    good(upgrade(root, "--to", new))
    assert record(root, "shared/py/ml")["version"] == "0.5.0"
    assert 'dependencies = ["acme-core"]\n' in text(root, "shared/py/ml/pyproject.toml")
    assert text(root, "shared/py/ml/README.md").endswith("\nOwned by us all.\n")


@pytest.mark.slow
def test_apps(releases: Releases, old: Path, new: Path, tmp_path: Path) -> None:
    apps = ("apps/py/report", "apps/js/site")
    packages = f"{CORE} services/py/api {' '.join(apps)}"
    root = releases.repository(tmp_path, old, packages=packages)
    edit(root / f"{apps[0]}/src/acme_app_report/cli.py", "how many words", "how many good words")
    edit(root / f"{apps[1]}/src/App.tsx", "useState(90)", "useState(91)")
    # A service that came later is none that the app was made for.
    edit(root / f"{apps[1]}/vite.config.ts", '["api"]', '["api", "web"]')
    commit(root)
    good(upgrade(root, "--to", new))
    for path in apps:
        assert text(root, f"{path}/README.md").endswith("\nOwned by its users.\n")
    assert record(root, apps[0])["version"] == "0.5.0"
    assert '"version": "0.5.0"' in text(root, f"{apps[1]}/package.json")
    assert "how many good words" in text(root, f"{apps[0]}/src/acme_app_report/cli.py")
    assert "useState(91)" in text(root, f"{apps[1]}/src/App.tsx")
    assert '["api", "web"]' in text(root, f"{apps[1]}/vite.config.ts")
    assert text(root, "tools/make/apps-js.mk").endswith("# Newer.\n")


@pytest.mark.slow
def test_a_kind_in_place_of_ours(root: Path, old: Path) -> None:
    (folder,) = own_template(root, "shared-py").glob("{{*")
    append(folder / "README.md", "\nOur kind.\n")
    commit(root)
    good(upgrade(root, "--to", old))
    for package in (CORE, AUDIO):
        assert text(root, f"{package}/README.md").endswith("\nOur kind.\n")
        assert re.fullmatch("[0-9a-f]{40}", record(root, package)["version"])


@pytest.mark.slow
def test_an_older_one_is_refused(root: Path, old: Path, new: Path) -> None:
    good(upgrade(root, "--to", new))
    commit(root)
    assert refused(root, old).startswith("TO=0.4.0: is older than 0.5.0, which this repository has")


def eject(root: Path, releases: Releases, wheel: Path) -> None:
    engine = {"PYTHONPATH": str(releases.engine(wheel))}
    run(root, sys.executable, "-m", "monorepo", "eject", env=engine)
    commit(root)


def test_an_ejected_engine_comes_back(root: Path, releases: Releases, old: Path, new: Path) -> None:
    eject(root, releases, old)
    good(upgrade(root, "--to", new))
    assert [*(root / "tools/src").rglob("*")] == []
    assert new.name in text(root, "tools/requirements.txt")
    assert [path.name for path in (root / "tools").glob("*.whl")] == [new.name]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["monorepo/cli.py", "monorepo/ours.py", "pyproject.toml"])
def test_one_that_was_changed_is_not_lost(
    root: Path, releases: Releases, old: Path, new: Path, path: str
) -> None:
    eject(root, releases, old)
    append(root / "tools/src" / path, "\n# Ours.\n")
    commit(root)
    assert refused(root, new).startswith(f"tools/src/{path}: is changed, and would be lost;")


def within(root: Path) -> Path:
    """Put the repository into a folder of a larger one, and return where it is."""
    outer = root.parent / "outer"
    outer.mkdir()
    run(outer, "git", "init", "--quiet")
    shutil.rmtree(root / ".git")
    (outer / "parts").mkdir()
    place = outer / "parts/acme"
    root.rename(place)
    (outer / "other.txt").write_text("Other.\n", encoding="utf-8")
    commit(outer)
    return place


def linked(root: Path) -> Path:
    """Add a linked worktree, and return where it is."""
    run(root, "git", "worktree", "add", "--quiet", "--detach", root.parent / "linked")
    return root.parent / "linked"


def shallow(root: Path) -> Path:
    """Clone it without its history, and return the clone."""
    append(root / "README.md", "\nOurs.\n")
    commit(root)
    run(root.parent, "git", "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    return root.parent / "shallow"


@pytest.mark.slow
@pytest.mark.parametrize("move", [within, linked, shallow])
def test_wherever_it_is(root: Path, new: Path, move: Callable[[Path], Path]) -> None:
    place = move(root)
    append(place / CORE / "README.md", "\nOurs.\n")
    edit(place / f"{AUDIO}/README.md", "# Audio", "# Sounds")
    commit(place)
    done = upgrade(place, "--to", new)
    assert done.code == 1, done.output
    prefix = run(place, "git", "rev-parse", "--show-prefix").strip()
    assert run(place, "git", "diff", "--name-only", "--diff-filter=U").split() == [
        f"{prefix}{CORE}/README.md"
    ]
    (place / CORE / "README.md").write_text("# Core\n", encoding="utf-8")
    run(place, "git", "add", "--all")
    good(upgrade(place, "--to", new))
    assert [row for row in changed(place).splitlines() if row[1] != " "] == []
    assert "Owned by nobody.\n" in text(place, f"{AUDIO}/README.md")
    assert "# Sounds\n" in text(place, f"{AUDIO}/README.md")
    commit(place)
    assert good(upgrade(place, "--to", new)) == IN_STEP.format("0.5.0")
    assert len(run(place, "git", "worktree", "list").splitlines()) == (2 if move is linked else 1)


def dirty(root: Path) -> None:
    append(root / "README.md", "Not committed.\n")


def staged(root: Path) -> None:
    dirty(root)
    run(root, "git", "add", "--all")


def merging(root: Path) -> None:
    run(root, "git", "switch", "--quiet", "--create", "side", "HEAD~0")
    append(root / "README.md", "Side.\n")
    commit(root)
    run(root, "git", "switch", "--quiet", "main")
    append(root / "README.md", "Main.\n")
    commit(root)
    run(root, "git", "merge", "side", code=1)


def rebasing(root: Path) -> None:
    run(root, "git", "-c", "sequence.editor=echo break >", "rebase", "--quiet", "-i", "HEAD")


def in_the_way(root: Path) -> None:
    (root / ".env.example").unlink()
    run(root, "git", "commit", "--quiet", "--all", "--message", "Remove it")
    (root / "tools/cookiecutter_monorepo-0.5.0-py3-none-any.whl").write_bytes(b"Not in git.")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (dirty, "README.md: is not committed; commit or stash your changes first"),
        (staged, "README.md: is not committed; commit or stash your changes first"),
        (merging, "git: a merge is in progress; finish it, or abort it"),
        (rebasing, "git: a rebase is in progress; finish it, or abort it"),
        (in_the_way, "tools/cookiecutter_monorepo-0.5.0-py3-none-any.whl: is in the way, and not"),
    ],
)
def test_what_is_not_ready_is_refused(
    root: Path, new: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(root)
    assert refused(root, new).startswith(said)
    assert [path for path in snapshot(root / ".git") if "monorepo" in path] == []


def forget(root: Path) -> None:
    """Have a repository that does not record of which version it is."""
    for path in ("pyproject.toml", f"{CORE}/pyproject.toml", f"{AUDIO}/pyproject.toml"):
        (row,) = re.findall(r'^version = "0\.4\.0"\n', text(root, path), re.MULTILINE)
        edit(root / path, row, "")
    commit(root)


ANSWERS = "project_name='Acme Platform' namespace=acme license=MIT python_version=3.11"


def test_one_without_a_record_says_what_it_was_made_from(root: Path, old: Path, new: Path) -> None:
    forget(root)
    append(root / CORE / "src/acme_core/retries.py", "\nOURS = 1\n")
    commit(root)
    said = refused(root, new)
    assert said.startswith("pyproject.toml: [tool.monorepo.template]: ")
    assert "give FROM=" in said
    done = upgrade(root, "--to", new, "--from", old, "--answers", ANSWERS)
    said = good(done)
    counted = re.findall(r"upgrade: (.*): (\d+) of (\d+) files are as it renders them\n", said)
    assert [name for name, *_ in counted] == [old.name]
    assert 0.8 * int(counted[0][2]) < int(counted[0][1]) < int(counted[0][2])
    assert f"upgrade: taking {old.name}" in said
    assert record(root)["version"] == "0.5.0"
    assert {record(root, package)["version"] for package in (CORE, AUDIO)} == {"0.5.0"}
    assert "Owned by nobody.\n" in text(root, f"{CORE}/README.md")
    assert text(root, f"{CORE}/src/acme_core/retries.py").endswith("\nOURS = 1\n")
    assert good(upgrade(root, "--to", new)) == IN_STEP.format("0.5.0")


@pytest.mark.slow
def test_what_it_cannot_be_made_from(root: Path, old: Path, new: Path, tmp_path: Path) -> None:
    forget(root)
    said = refused(root, new, "--from", str(tmp_path / "gone"), "--answers", ANSWERS)
    assert said.startswith(f"FROM={tmp_path}/gone: is no wheel and no clone of the template")
    said = refused(root, new, "--from", f"{root}@gone", "--answers", ANSWERS)
    assert said.startswith(f"FROM={root}@gone: the clone has no such commit")
