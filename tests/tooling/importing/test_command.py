"""A folder becomes a package: all of it, with its history, or nothing."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.importing import command, report
from monorepo.importing.report import Report
from monorepo.programs.git import Git
from monorepo.syncing import derive, sync
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
TO = "shared/py/audio"
FILES = {
    "lib/__init__.py": "from lib.core import play\n",
    "lib/core.py": (
        "import os\nimport sys\n\nsys.path.append(os.path.dirname(__file__))\n\n"
        "import left\nimport tiny_base\nfrom names import NAME\n"
        "try:\n    import right\nexcept ImportError:\n    right = None\n\n\ndef play(): ...\n"
    ),
    "lib/names.py": "NAME = 'x'\n",
    "lib/data.json": "{}\n",
    "tests/__init__.py": "",
    "tests/test_core.py": "import pytest_thing\nfrom lib import play\n",
    "setup.py": (
        "from setuptools import setup\nsetup(install_requires=['left==1.0', 'unused'],\n"
        "      extras_require={'fast': ['right>=2']},\n"
        "      entry_points={'console_scripts': ['play=lib.core:play']})\n"
    ),
    "requirements-dev.txt": "pytest-thing\n-e ../../shared/py/base\n-e ../gone\n",
    "README.md": "# Audio\n",
}


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


@pytest.fixture
def legacy(root: Path, templates: Path, package: MakePackage, write: Write, save: Save) -> Path:
    """Write a monorepo with a folder of old code, and a package that imports that."""
    package("shared/py/base")
    package("services/py/api")
    write({f"legacy/audio/{path}": content for path, content in FILES.items()})
    write(
        {
            "services/py/api/src/tiny_svc_api/main.py": "import lib\n\nlib.play()\n",
            "legacy/job.py": "import sys\nsys.path.append('audio')\nfrom lib import core\n",
            "legacy/other/names.py": "",
            "legacy/other/main.py": "import names\n",
            "legacy/run.sh": "PYTHONPATH=legacy/audio python legacy/job.py\n",
            ".gitignore": "*.log\n__pycache__/\n.venv/\n",
        }
    )
    save()
    return root


def bring(root: Path, path: str = "legacy/audio", to: str = TO, *, dry_run: bool = False) -> Report:
    """Import a folder of the repository."""
    return command.bring(root, str(root / path), to, dry_run=dry_run)


def test_a_folder_becomes_a_package_and_all_that_imports_it_follows(legacy: Path, git: Git) -> None:
    (legacy / "legacy/audio/lib/a.log").write_text("mine", encoding="utf-8")
    (legacy / "legacy/audio/lib/__pycache__").mkdir()
    done = bring(legacy)
    source = f"{TO}/src/tiny_audio"
    assert text(legacy, f"{source}/__init__.py") == "from tiny_audio.core import play\n"
    assert text(legacy, f"{source}/core.py").startswith(
        "import left\nimport tiny_base\nfrom tiny_audio.names import NAME\ntry:"
    )
    assert text(legacy, f"{source}/a.log") == "mine"
    assert not (legacy / "legacy/audio").exists()
    package = workspace.load_whole(legacy).packages[TO]
    project = package.manifest["project"]
    assert project["dependencies"] == ["left>=1.0", "tiny-base"]
    assert project["optional-dependencies"] == {"fast": ["right>=2"]}
    assert project["scripts"] == {"play": "tiny_audio.core:play"}
    assert package.groups == {"test": ["pytest-thing"]}
    assert (
        package.manifest["tool"]["setuptools"]["package-data"]["*"]
        == ["py.typed", "*.json", "*.log"][:2]
    )
    # Others follow, and require it.
    api = workspace.load_whole(legacy).packages["services/py/api"]
    assert text(legacy, "services/py/api/src/tiny_svc_api/main.py") == (
        "import tiny_audio as lib\n\nlib.play()\n"
    )
    assert "tiny-audio" in api.manifest["project"]["dependencies"]
    assert text(legacy, "legacy/job.py") == "from tiny_audio import core\n"
    assert text(legacy, "legacy/other/main.py") == "import names\n"
    # What is left to do is told with its place.
    assert done.look["legacy/run.sh:1"] == f"names legacy/audio, which is {TO} now"
    places = {place.removeprefix(f"{legacy}/") for place in done.look}
    assert {"legacy/audio/requirements-dev.txt:3", "legacy/audio/setup.py:2"} <= places
    assert not done.is_complete
    # What make lock mends is not for a hand.
    assert not any(finding.rule == "pins" for finding in done.findings)
    assert git.unstaged() == []
    renames = git.run("diff", "--cached", "--name-status", "--find-renames=40%").decode()
    assert f"legacy/audio/lib/core.py\t{source}/core.py" in renames


def test_what_the_baseline_has_of_the_folder_goes(legacy: Path, write: Write, save: Save) -> None:
    gone = [["pins.second", "legacy/audio/dev-requirements.txt", "x"], ["a", "legacy/audio", "x"]]
    stays = [["pins.unpinned", "legacy/audio2/setup.py", "x"], ["baseline", "pins", "adopted"]]
    write({"guard-baseline.json": json.dumps([*gone, *stays])})
    save()
    assert not any("guard-baseline.json" in place for place in bring(legacy).look)
    assert json.loads(text(legacy, "guard-baseline.json")) == sorted(stays)


def test_a_dry_run_changes_nothing_and_says_the_same(legacy: Path, tree: Tree) -> None:
    def files() -> dict[str, tuple[int, bytes]]:
        return {path: kept for path, kept in tree().items() if not path.startswith(".git/")}

    before = files()
    dry = bring(legacy, dry_run=True)
    assert files() == before
    assert "+from tiny_audio.core import play" in dry.changes
    done = bring(legacy)
    dry.changes = ()
    assert report.as_json(dry) == report.as_json(done)
    assert report.as_text(dry) == report.as_text(done)
    assert json.loads(report.as_json(done))["package"] == TO


MAIN = 'import handlers\nimport left\n\nPORT = "/health"\n'


@pytest.mark.parametrize("to", ["services/py/news", "packages/tiny-svc-news"])
def test_the_code_of_a_service_takes_the_place_of_the_template_s(
    to: str, legacy: Path, write: Write, save: Save
) -> None:
    made = "tools/templates/services-py/{{cookiecutter.name}}"
    package = f"{made}/src/{{{{cookiecutter.import_name}}}}"
    write(
        {
            f"{made}/tests/unit/test_app.py": "",
            f"{made}/scripts/smoke.sh": "#!/bin/sh\n",
            f"{made}/README.md": "# News\n",
            "tools/make/py.mk": "",
            f"{package}/main.py": "import tiny_service\n",
            "legacy/news/main.py": MAIN,
            "legacy/news/handlers.py": "x = 1\n",
            "legacy/news/test_news.py": "import handlers\n\n\ndef test_x() -> None: ...\n",
        }
    )
    save()
    done = bring(legacy, "legacy/news", to)
    space = workspace.load_whole(legacy)
    assert "shared/py/service" not in space.packages
    assert space.packages[to].manifest["project"]["dependencies"] == ["left>=1.0"]
    assert [str(one.relative_to(legacy / to)) for one in sorted((legacy / to).rglob("*.py"))] == [
        "src/tiny_svc_news/handlers.py",
        "src/tiny_svc_news/main.py",
        "tests/unit/test_news.py",
    ]
    assert text(legacy, f"{to}/src/tiny_svc_news/main.py").startswith("from tiny_svc_news import")
    assert f"`{to}` is a service" in text(legacy, f"{to}/README.md")
    # It is not thin yet, which is allowed for a time, and told.
    (allowed,) = space.facts["allow"]
    assert (allowed["rule"], allowed["path"]) == ("thin", to)
    assert done.allowed == f"thin for {to} until {allowed['until']}: src/tiny_svc_news/handlers.py"
    assert not any(finding.rule == "thin" for finding in done.findings)
    assert f"{to}/scripts/smoke.sh" not in done.look
    assert f"allowed in pyproject.toml: {done.allowed}" in report.as_text(done)


def test_a_service_that_cannot_be_started_as_others_are_is_told(
    legacy: Path, write: Write, save: Save
) -> None:
    # No main at the top, and words that only look like the port.
    write({"legacy/news/run.py": "IMPORT = 1\n", "legacy/news/sub/main.py": ""})
    save()
    done = bring(legacy, "legacy/news", "services/py/news")
    assert done.look["services/py/news/scripts/smoke.sh"] == (
        "make dev and make smoke start src/*/main.py with PORT, and ask for /health: "
        "it has no src/*/main.py, its code does not name PORT, its code does not name /health"
    )


def test_exceptions_that_people_have_written_as_one_array_stay(
    legacy: Path, write: Write, save: Save
) -> None:
    write({"legacy/news/main.py": MAIN, "legacy/news/handlers.py": "x = 1\n"})
    before = text(legacy, "pyproject.toml")
    write({"pyproject.toml": before + "allow = []\n"})
    save()
    done = bring(legacy, "legacy/news", "services/py/news")
    assert text(legacy, "pyproject.toml") == before + "allow = []\n"
    assert [finding.rule for finding in done.findings].count("thin") == 1


@pytest.mark.parametrize(
    ("setup", "file", "scripts"),
    [
        ("setup()\n", "job.py", {}),
        (
            "setup(entry_points={'console_scripts': ['go=job:go']})\n",
            "job.py",
            {"go": "tiny_app_job.job:go"},
        ),
        # What the template's command calls, the old code has as well.
        ("setup()\n", "cli.py", {"tiny-job": "tiny_app_job.cli:main"}),
    ],
)
def test_an_app_has_the_commands_of_the_old_one_alone(
    setup: str,
    file: str,
    scripts: dict[str, str],
    legacy: Path,
    write: Write,
    save: Save,
) -> None:
    made = "tools/templates/apps-py/{{cookiecutter.name}}"
    manifest = text(legacy, "tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml")
    command = '\n[project.scripts]\ntiny-job = "tiny_app_job.cli:main"\n'
    write(
        {
            "tools/templates/apps-py/cookiecutter.json": '{"title": "It"}',
            f"{made}/pyproject.toml": manifest + command,
            f"{made}/src/{{{{cookiecutter.import_name}}}}/cli.py": "def main(): ...\n",
            f"legacy/job/{file}": "def go(): ...\nmain = go\n",
            "legacy/job/setup.py": setup,
        }
    )
    save()
    done = bring(legacy, "legacy/job", "apps/py/job")
    project = workspace.load_whole(legacy).packages["apps/py/job"].manifest["project"]
    assert project.get("scripts", {}) == scripts
    why = "has no command: add one, which make smoke asks for its version"
    assert done.look.get("apps/py/job/pyproject.toml") == (None if scripts else why)
    assert "scripts" not in text(legacy, "apps/py/job/pyproject.toml") or scripts


def test_the_manifest_in_edn_of_who_imports_the_package_follows(legacy: Path, save: Save) -> None:
    space = workspace.load_whole(legacy)
    derive.derive(space, [space.packages["services/py/api"]])
    save()
    bring(legacy)
    assert '{:pkg "tiny-audio"}' in text(legacy, "services/py/api/package.edn")
    found = sync.plan(legacy)
    assert (found.drift, found.mistakes) == ([], [])


def test_what_an_extra_for_a_migration_has_is_no_news(
    legacy: Path, package: MakePackage, write: Write, save: Save
) -> None:
    folder = package("shared/py/core", **{"legacy-cpu": ["far==1", "unused==1", "left==1.0"]})
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo]\nlegacy = ["legacy-cpu"]\n')
    write(
        {
            "legacy/audio/requirements.txt": "far==1\nnear==2\n",
            "legacy/audio/requirements-all.txt": "deep==2\n    # via far\n",
            # What it says of a file is history.
            "constraints.txt": (
                f"{hashes.source('legacy/audio/requirements.txt', 'a' * 64)}\nleft==1.0\nuv==9.9\n"
            ),
        }
    )
    save()
    done = bring(legacy)
    extra = "shared/py/core[legacy-cpu]"
    known = {place.rpartition("/")[2]: told for place, told in done.known.items()}
    assert known == {
        "requirements.txt": f"1 that nothing here imports are left out; {extra} has them",
        "setup.py": f"1 that nothing here imports are left out; {extra} has them",
    }
    told = [place for place, why in done.look.items() if "imported nowhere" in why]
    assert [place.rpartition("/")[2] for place in told] == ["requirements.txt:2"]
    assert not any(place.startswith("constraints.txt") for place in done.look)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Make another repository, with the history of a folder."""
    folder = tmp_path / "other"
    for path, content in {**FILES, "../rest.txt": "x"}.items():
        (folder / "libs" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "libs" / path).write_text(content, encoding="utf-8")
    outside(folder, "init", "--quiet")
    outside(folder, "add", "--all")
    outside(folder, "commit", "--quiet", "--message", "first: ä", "--author", "Bea <b@c>")
    (folder / "libs/lib/names.py").write_text("NAME = 'x'\nMORE = 1\n", encoding="utf-8")
    outside(folder, "commit", "--quiet", "--all", "--message", "second")
    (folder / "rest.txt").write_text("y", encoding="utf-8")
    outside(folder, "commit", "--quiet", "--all", "--message", "about the rest")
    return folder


def outside(folder: Path, *words: str) -> str:
    """Return what git says in another repository."""
    who = ["-c", "user.name=Ann", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize("inner", ["libs", ""])
def test_the_history_of_another_repository_comes_along(
    inner: str, legacy: Path, git: Git, other: Path
) -> None:
    if not inner:
        outside(other, "rm", "--quiet", "rest.txt")
        outside(other, "mv", "libs/lib", "libs/tests", ".")
        outside(other, "commit", "--quiet", "--message", "third")
        outside(other, "rm", "-r", "--quiet", "libs")
        outside(other, "commit", "--quiet", "--message", "fourth")
    done = command.bring(legacy, str(other / inner), TO, dry_run=False)
    assert "git merge --abort" in done.history
    assert (other / inner / "lib/names.py").exists()
    git.run("commit", "--quiet", "--message", "import")
    file = f"{TO}/src/tiny_audio/names.py"
    told = git.text("log", "--follow", "--format=%s", file).splitlines()
    assert told[-2:] == ["second", "first: ä"]
    assert "Bea" in git.text("blame", file).splitlines()[0]
    assert "about the rest" not in git.text("log", "--format=%s") or not inner
    assert git.text("log", "-1", "--format=%an", "--grep", "first").startswith("Bea")


def test_a_merge_that_was_begun_can_be_undone(
    legacy: Path, git: Git, other: Path, tree: Tree
) -> None:
    before = {path: kept for path, kept in tree().items() if not path.startswith(".git/")}
    command.bring(legacy, str(other / "libs"), TO, dry_run=False)
    git.run("merge", "--abort")
    assert {path: kept for path, kept in tree().items() if not path.startswith(".git/")} == before


def test_a_folder_that_no_git_knows_is_copied_without_what_tools_have_made(
    legacy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    for path in ("a.py", "__pycache__/a.pyc", ".venv/x.py", "node_modules/y.py", "sub/b.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("", encoding="utf-8")
    done = command.bring(legacy, str(folder), TO, dry_run=False)
    assert [*done.moved.values()] == [f"{TO}/src/tiny_audio/a.py", f"{TO}/src/tiny_audio/sub/b.py"]
    assert (folder / "a.py").exists()


def test_a_single_file_becomes_a_package(legacy: Path) -> None:
    done = bring(legacy, "legacy/job.py")
    assert done.moved == {"legacy/job.py": f"{TO}/src/tiny_audio/job.py"}
    assert not (legacy / "legacy/job.py").exists()
    assert f"{TO}/src/tiny_audio/job.py:3" in done.look


@pytest.mark.parametrize(
    ("path", "to", "message"),
    [
        ("gone", TO, "gone: is not there; name a folder of code"),
        (".", TO, "has this repository in it|is the repository itself"),
        ("shared/py/base", TO, "shared/py/base: is a package; see monorepo rename"),
        ("shared/py/base/src", TO, "is in the package shared/py/base; see monorepo split"),
        ("shared", TO, "shared: has the package shared/py/base in it; name a folder"),
        ("tools", TO, "tools: belongs to the tools of this repository"),
        ("legacy/run.sh", TO, "has no Python outside of tests"),
        ("legacy/audio", "", "--as: is missing; give a path such as shared/py/audio"),
        (
            "legacy/audio",
            "shared/py/Audio",
            "--as: 'shared/py/Audio' is not a name; use lower-case",
        ),
        ("legacy/audio", "shared/py/base", "exists already; choose another name"),
        (
            "legacy/audio",
            "lib/audio",
            "--as: 'lib/audio' is not a package's path; use a name in one",
        ),
    ],
)
def test_what_cannot_become_a_package_is_refused(
    path: str, to: str, message: str, legacy: Path, tree: Tree
) -> None:
    before = tree()
    with pytest.raises(UsageError, match=message):
        bring(legacy, path, to)
    assert {path for path in tree() if not path.startswith(".git/")} == {
        path for path in before if not path.startswith(".git/")
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: (folder / "lib/a.py").write_bytes(b"x = 1"), "a.py: is not committed"),
        (lambda folder: (folder / "lib/names.py").write_bytes(b""), "names.py: is not committed"),
    ],
)
def test_what_is_not_committed_is_refused(
    make: Callable[[Path], object], message: str, legacy: Path, other: Path
) -> None:
    for folder in (legacy / "legacy/audio", other / "libs"):
        make(folder)
        with pytest.raises(UsageError, match=message):
            command.bring(legacy, str(folder), TO, dry_run=False)
    assert not (legacy / TO).exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: (folder / "a").symlink_to("/etc"), "a: is a link, and may lead anywhere"),
        (lambda folder: os.mkfifo(folder / "a"), "a: is neither a file nor a folder"),
        (
            lambda folder: (folder / "b.py").write_text("print 1"),
            "b.py:1: is not Python 3.*a newer Python",
        ),
        (lambda folder: (folder / "b.py").write_bytes(b"'\xe4'"), "b.py:1: is not UTF-8"),
        (lambda folder: (folder / "a\nb.py").write_text(""), "has a name that is no text"),
    ],
)
def test_what_may_lead_elsewhere_or_cannot_be_read_is_refused(
    make: Callable[[Path], object], message: str, legacy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "good.py").write_text("", encoding="utf-8")
    make(folder)
    with pytest.raises(UsageError, match=message):
        command.bring(legacy, str(folder), TO, dry_run=False)
    assert not (legacy / TO).exists()


def test_nothing_of_the_folder_and_of_its_repository_is_run(legacy: Path, other: Path) -> None:
    ran = other / "ran"
    hook = f"touch {ran}"
    for key in (
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "uploadpack.packObjectsHook",
    ):
        outside(other, "config", key, hook)
    (other / "libs/.gitattributes").write_text("*.py filter=x\n", encoding="utf-8")
    (other / "libs/setup.py").write_text(f"open({str(ran)!r}, 'w')\n", encoding="utf-8")
    outside(other, "-c", "core.fsmonitor=", "-c", "filter.x.clean=", "add", "--all")
    outside(other, "-c", "core.fsmonitor=", "-c", "filter.x.clean=", "commit", "-qm", "x")
    ran.unlink(missing_ok=True)
    command.bring(legacy, str(other / "libs"), TO, dry_run=False)
    assert not ran.exists()


def test_after_an_error_nothing_has_changed(
    legacy: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = {path: kept for path, kept in tree().items() if not path.startswith(".git/")}
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        bring(legacy)
    assert {path: kept for path, kept in tree().items() if not path.startswith(".git/")} == before


def test_a_range_that_no_pin_fits_and_a_module_that_may_be_another_are_told(
    legacy: Path, write: Write, save: Save
) -> None:
    write(
        {
            "legacy/audio/setup.py": "setup(install_requires=['left<1'])\n",
            "legacy/deep/job.py": "import sys\nsys.path.append('..')\nimport names\n",
            "legacy/audio/names.py": "",
        }
    )
    save()
    done = bring(legacy)
    assert "left<1 does not allow 1.0, which constraints.txt has" in str(done.look)
    assert done.look["legacy/deep/job.py"] == "imports names: is that what has moved?"
    assert "legacy/other/main.py" not in done.look
