"""A release is prepared whole or not at all; what cannot be one is refused in a line."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from monorepo import cli
from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.core.workspace import Package
from monorepo.delivery import release, release_workflow
from monorepo.syncing import sync
from monorepo.system.errors import UsageError

Buildable = Callable[..., Path]
Wheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]
CORE, AUDIO, WEB = "shared/py/core", "shared/py/audio", "shared/js/web"
NEWS = f"{CORE}/newsfragments/12.feature.md"
# The journey has the real one.
TOWNCRIER = """\
import pathlib, sys
if pathlib.Path("REFUSES").exists():
    sys.exit("Traceback\\nValueError: multiple files for 12.feature")
given = dict(word.partition("=")[::2] for word in sys.argv[1:])
assert "--draft" in given and "newsfragments" in pathlib.Path(given["--config"]).read_text()
texts = [file.read_text() for file in pathlib.Path(given["--dir"], "newsfragments").iterdir()]
print("##", given["--version"], "\\n\\n" + "".join(texts))
"""


def commit(root: Path) -> None:
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        identity = ["-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *words], cwd=root, check=True)


@pytest.fixture
def core(root: Path, buildable: Buildable, uv: Path, wheel: Wheel, write: Write) -> Path:
    """Make a published package whose news are committed, and a stand-in of towncrier."""
    manifest = (root / "pyproject.toml").read_text(encoding="utf-8")
    write(
        {
            "pyproject.toml": manifest.replace("dev = []", 'dev = []\nrelease = ["towncrier"]'),
            "constraints.txt": "left==1.0\ntowncrier==1.0\nuv==9.9\n",
            ".gitignore": ".venv\n.nox\n.monorepo.*\n",
            NEWS: "Louder.\n",
        }
    )
    wheel("towncrier", "1.0", files={"towncrier/__main__.py": TOWNCRIER})
    folder = buildable(CORE, published=True, version="1.3.4")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    commit(root)
    return folder


def prepared(root: Path, part: str = "minor", path: str = CORE, *, dry_run: bool = False) -> str:
    space = workspace.load_whole(root)
    return "\n".join(release.prepare(space, space.packages[path], part, dry_run=dry_run))


def refused(root: Path, part: str = "minor", path: str = CORE) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        prepared(root, part, path)
    return caught.value.mistakes


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def test_version_changelog_and_workflow_are_written_and_news_are_gone(
    root: Path, core: Path
) -> None:
    said = prepared(root)
    assert 'version = "1.4.0"' in text(root, f"{CORE}/pyproject.toml")
    assert text(root, f"{CORE}/CHANGELOG.md") == "# Changelog\n\n## 1.4.0 \n\nLouder.\n"
    assert text(root, release_workflow.PATH) == release_workflow.text("3.11", [Language.PYTHON])
    assert 'python-version: "3.11"' in text(root, release_workflow.PATH)
    assert not (root / NEWS).parent.exists()
    assert "as a trusted publisher of tiny-core" in said
    # What it says is what completes the release.
    commands = re.findall(r"^  (git (?:add|commit|tag) .*)$", said, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        identified = command.replace("git ", "git -c user.name=A -c user.email=a@b ", 1)
        subprocess.run(identified, shell=True, cwd=root, check=True)
    state = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True)
    assert state.stdout == b""
    assert release.tagged(workspace.load(root), "tiny-core-v1.4.0").path == CORE

    # The next one goes on top, and the workflow is the team's by now.
    (root / NEWS).parent.mkdir()
    (root / NEWS).write_text("Quieter.\n", encoding="utf-8")
    (root / release_workflow.PATH).write_text("name: Ours\n", encoding="utf-8")
    commit(root)
    said = prepared(root, "major")
    assert "publisher" not in said
    assert "release.yml has no gh-action-pypi-publish, so nothing publishes tiny-core; add" in said
    found = re.findall("^## .*", text(root, f"{CORE}/CHANGELOG.md"), re.MULTILINE)
    assert found == ["## 2.0.0 ", "## 1.4.0 "]
    assert text(root, release_workflow.PATH) == "name: Ours\n"


def test_dependents_follow_if_their_range_excludes_the_version(
    root: Path, core: Path, buildable: Buildable, groups: Callable[..., None]
) -> None:
    buildable(AUDIO, "tiny-core[io]>=1.3,<2", "left", lite=['tiny_core==1.*; python_version<"4"'])
    groups(AUDIO, test=["tiny-core>=1.2,!=2.0.0"])
    buildable("shared/py/free", "tiny-core")
    commit(root)
    before = text(root, "shared/py/free/pyproject.toml")
    manifest = text(root, f"{AUDIO}/pyproject.toml")
    shown = prepared(root, "major", dry_run=True)
    assert text(root, f"{AUDIO}/pyproject.toml") == manifest

    assert f"wrote {AUDIO}/pyproject.toml" in prepared(root, "major")
    package = workspace.load(root).packages[AUDIO]
    assert [*package.requirements()] == ["tiny-core[io]<3,>=2.0.0", "left"]
    assert package.extras == {"lite": ['tiny_core<3,>=2.0.0; python_version < "4"']}
    assert package.groups == {"test": ["tiny-core<3,>=2.0.0"]}
    assert text(root, "shared/py/free/pyproject.toml") == before
    assert f"+++ b/{AUDIO}/pyproject.toml" in shown and "shared/py/free" not in shown


def test_manifests_follow_what_comes_from_them(
    root: Path, core: Path, buildable: Buildable, write: Write
) -> None:
    buildable(AUDIO, "tiny-core[io]>=1.3,<2", "left")
    manifest = (
        '{:package/name "tiny-NAME" :package/version "VERSION" :lang :python\n ; Why.\n REST}\n'
    )
    files = {
        f"{CORE}/package.edn": manifest.replace("NAME", "core").replace("VERSION", "1.3.4"),
        f"{AUDIO}/package.edn": manifest.replace("NAME", "audio").replace("VERSION", "1.0"),
    }
    needs = ':deps/base ["tiny-core[io]>=1.3,<2" "left"]'
    write(
        {path: text.replace("REST", needs if AUDIO in path else "") for path, text in files.items()}
    )
    sync.sync(root)
    commit(root)
    said = prepared(root, "major")
    assert {f"wrote {path}" for path in files} <= {*said.splitlines()}
    assert ':package/version "2.0.0"' in text(root, f"{CORE}/package.edn")
    assert '\n ; Why.\n :deps/base ["tiny-core[io]<3,>=2.0.0" "left"]' in text(
        root, f"{AUDIO}/package.edn"
    )
    assert sync.plan(root) == sync.Plan([], [])


def test_those_whose_range_has_it_stay(root: Path, core: Path, buildable: Buildable) -> None:
    buildable(AUDIO, "tiny-core>=1.3,<2")
    commit(root)
    assert AUDIO not in prepared(root)


def test_a_dry_run_shows_all_and_changes_nothing(
    root: Path, core: Path, tree: Callable[[], dict[str, tuple[int, bytes]]]
) -> None:
    prepared(root, dry_run=True)
    before = tree()
    lines = prepared(root, dry_run=True).splitlines()
    assert {f"- {NEWS}", f"+ {CORE}/CHANGELOG.md", f"+ {release_workflow.PATH}"} < {*lines}
    assert '+version = "1.4.0"' in lines
    assert tree() == before


def test_what_fails_half_way_is_undone(
    root: Path, core: Path, tree: Callable[[], dict[str, tuple[int, bytes]]]
) -> None:
    # There is no place for the last file that is written.
    (root / ".github").touch()
    prepared(root, dry_run=True)
    before = tree()
    with pytest.raises(OSError, match="github"):
        prepared(root)
    assert tree() == before


def test_a_private_package_is_refused(root: Path, core: Path, buildable: Buildable) -> None:
    """E7: the others stay private."""
    buildable(AUDIO)
    advice = "remove its classifier Private :: Do Not Upload if it is to be published"
    assert refused(root, "all", AUDIO) == (
        "BUMP: 'all' is no part of a version; give major, minor or patch",
        f"{AUDIO}/pyproject.toml: is private; {advice}",
    )
    assert refused(root, "")[0].startswith("BUMP: is not given; ")


def test_so_is_one_that_requires_a_private_one(
    root: Path, core: Path, buildable: Buildable
) -> None:
    buildable(AUDIO, "tiny-core", "tiny-free", published=True)
    buildable("shared/py/free")
    (told,) = refused(root, "minor", AUDIO)
    assert told.startswith(f"{AUDIO}/pyproject.toml: tiny-free: shared/py/free is not published; ")


def test_what_is_not_committed_is_refused_where_it_matters(
    root: Path, core: Path, buildable: Buildable, write: Write
) -> None:
    buildable(AUDIO, "tiny-core<1.4")
    commit(root)
    write({"README.md": "Elsewhere.\n", f"{AUDIO}/ü.txt": "Elsewhere.\n"})
    assert "1.4.0" in prepared(root, dry_run=True)

    files = [f"{CORE}/newsfragments/13.doc.md", f"{AUDIO}/pyproject.toml"]
    write({files[0]: "New.\n", files[1]: text(root, files[1]) + "\n# Changed.\n"})
    advice = "is not committed; commit or stash it first"
    assert {*refused(root)} == {f"{path}: {advice}" for path in files}


def test_a_version_that_is_a_tag_is_refused(root: Path, core: Path) -> None:
    subprocess.run(["git", "tag", "tiny-core-v1.4.0"], cwd=root, check=True)
    (told,) = refused(root)
    assert told.startswith("tiny-core-v1.4.0: is a tag already; ")
    assert "1.3.5" in prepared(root, "patch")


def test_without_fragments_there_is_nothing_to_release(root: Path, core: Path) -> None:
    (root / NEWS).rename((root / NEWS).with_name("README.md"))
    commit(root)
    (told,) = refused(root)
    assert told.startswith(f"{CORE}/newsfragments: has no fragments; write what has changed ")


def test_no_fragment_is_left_out_silently(root: Path, core: Path, write: Write) -> None:
    write({f"{CORE}/newsfragments/{name}": "x" for name in ("feature", "1.fix.md", "+a.doc.rst")})
    commit(root)
    assert [told.partition("; ")[0] for told in refused(root)] == [
        f"{CORE}/newsfragments/1.fix.md: is no fragment",
        f"{CORE}/newsfragments/feature: is no fragment",
    ]


def test_what_towncrier_refuses_is_told_in_its_words(root: Path, core: Path, write: Write) -> None:
    write({"REFUSES": ""})
    why = "towncrier refuses the fragments (ValueError: multiple files for 12.feature)"
    assert refused(root) == (f"{CORE}/newsfragments: {why}; correct them",)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('version = "1.3.4"', 'dynamic = ["version"]', "has no static version"),
        ('version = "1.3.4"', 'version = "1!1.3.4"', "has no static version"),
        ('version = "1.3.4"', 'version = """1.3.4"""', "writes the version in an unusual notation"),
        ('version = "1.3.4"', '"version" = "1.3.4"', "writes the version in an unusual notation"),
    ],
)
def test_a_version_that_cannot_be_moved_is_refused(
    root: Path, core: Path, old: str, new: str, what: str
) -> None:
    manifest = core / "pyproject.toml"
    manifest.write_text(manifest.read_text("utf-8").replace(old, new), encoding="utf-8")
    (told,) = refused(root)
    assert told.startswith(f"{CORE}/pyproject.toml: {what}")


def test_a_version_elsewhere_in_the_manifest_is_left_alone(root: Path, core: Path) -> None:
    manifest = core / "pyproject.toml"
    first, last = ("[tool.first]\nversion = '1.3.4'\n", "[tool.last]\nversion = '1.3.4'\n")
    text = manifest.read_text(encoding="utf-8").replace("[project]", f"{first}[project]")
    manifest.write_text(text + last, encoding="utf-8")
    commit(root)
    prepared(root)
    made = workspace.toml(manifest.read_text("utf-8"))
    assert made["project"]["version"] == "1.4.0"
    assert made["tool"] == {"first": {"version": "1.3.4"}, "last": {"version": "1.3.4"}}


@pytest.mark.parametrize(
    ("version", "part", "new"),
    [
        ("1.3.4", "patch", "1.3.5"),
        ("0.1", "minor", "0.2.0"),
        ("0.9.9", "major", "1.0.0"),
        ("2.0.0rc1", "major", "2.0.0"),
        ("2.0.0.dev3", "patch", "2.0.0"),
        ("2.1.0b2", "major", "3.0.0"),
        ("2.1.3a1", "minor", "2.2.0"),
        ("1.3.4.post1", "patch", "1.3.5"),
    ],
)
def test_each_part_moves_the_version(version: str, part: str, new: str) -> None:
    package = Package(Path(), CORE, {"project": {"version": version}})
    assert release.bumped(package, part) == new


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4),
    st.sampled_from(["", "a1", "rc1", ".post2", ".dev3", "+local"]),
    st.sampled_from(release.PARTS),
)
def test_a_version_only_grows(numbers: list[int], suffix: str, part: str) -> None:
    version = ".".join(map(str, numbers)) + suffix
    package = Package(Path(), CORE, {"project": {"version": version}})
    new = Version(release.bumped(package, part))
    assert new > Version(version) and len(new.release) == 3
    assert not (new.is_prerelease or new.is_postrelease or new.local)


@pytest.mark.parametrize(
    ("version", "part", "new"),
    [
        ("1.3.4", "patch", "1.3.5"),
        ("0.9.9", "major", "1.0.0"),
        # Not a release after 2.0.0, as in Python.
        ("2.0.0-1", "patch", "2.0.0"),
        ("2.0.0-next.3+abc", "major", "2.0.0"),
        ("2.1.0-beta.2", "major", "3.0.0"),
        ("1.3.4+abc", "minor", "1.4.0"),
        ("1.3", "patch", ""),
        ("1.03.0", "patch", ""),
        ("v1.3.0", "patch", ""),
        ("1.3.0rc1", "patch", ""),
        ("", "patch", ""),
    ],
)
def test_a_version_of_npm_is_one_of_semantic_versioning(version: str, part: str, new: str) -> None:
    package = Package(Path(), WEB, {"version": version})
    if new:
        assert release.bumped(package, part) == new
    else:
        with pytest.raises(UsageError, match=f"^{WEB}/package.json: has no static version of the"):
            release.bumped(package, part)


PUBLISHED = {
    "name": "@tiny/web",
    "version": "1.3.4",
    "publishConfig": {"access": "public"},
    "repository": {"type": "git", "url": "git+https://example.com/tiny.git"},
}


@pytest.fixture
def web(root: Path, core: Path, javascript: Path, write: Write) -> Callable[..., None]:
    """Write a published npm package with news: what its package.json has besides."""

    def web(**more: object) -> None:
        write(
            {
                f"{WEB}/package.json": json.dumps({**PUBLISHED, **more}, indent=2) + "\n",
                f"{WEB}/newsfragments/7.feature.md": "Wider.\n",
            }
        )
        commit(root)

    web()
    return web


def test_an_npm_package_is_released_in_the_same_way(
    root: Path, web: Callable[..., None], tree: Callable[[], dict[str, tuple[int, bytes]]]
) -> None:
    # The first `version` is that of something else.
    web(monorepo={"version": "1.3.4"})
    before = text(root, f"{WEB}/package.json")
    shown = prepared(root, "minor", WEB, dry_run=True)
    assert '+  "version": "1.4.0",' in shown.splitlines()
    assert text(root, f"{WEB}/package.json") == before
    said = prepared(root, "minor", WEB)
    assert text(root, f"{WEB}/package.json") == before.replace("1.3.4", "1.4.0", 1)
    assert text(root, f"{WEB}/CHANGELOG.md") == "# Changelog\n\n## 1.4.0 \n\nWider.\n"
    assert not (root / WEB / "newsfragments").exists()
    # This repository has no Python side, and so nothing in its workflow that is about an index.
    assert text(root, release_workflow.PATH) == release_workflow.text("3.11", [Language.JAVASCRIPT])
    assert "  git push --atomic origin HEAD @tiny/web-v1.4.0\n" in said
    assert "npm has to know the workflow release.yml and its environment npm as a trusted" in said
    assert "npm has to have @tiny/web: if it has none, publish an older one by hand" in said
    assert release.tagged(workspace.load(root), "@tiny/web-v1.4.0").path == WEB


def test_what_npm_or_its_users_would_refuse_is_refused(
    root: Path, web: Callable[..., None], write: Write
) -> None:
    write({"shared/js/core/package.json": '{"name": "@tiny/core", "private": true}'})
    groups = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
    asked = {group: {"@tiny/core": "workspace:*", "left": "^1"} for group in groups}
    web(publishConfig={"access": "restricted"}, repository={"type": "git"}, **asked)
    place = f"{WEB}/package.json"
    told = [line.partition("; ")[0] for line in refused(root, "minor", WEB)]
    assert told == [
        f"{place}: dependencies.@tiny/core: shared/js/core is not published",
        f"{place}: peerDependencies.@tiny/core: shared/js/core is not published",
        f"{place}: optionalDependencies.@tiny/core: shared/js/core is not published",
        f'{place}: publishConfig has no "access": "public"',
        f"{place}: repository.url is not the address of this repository",
    ]
    web(repository="github:tiny/tiny")
    (line,) = refused(root, "minor", WEB)
    assert line.endswith(
        "; write where it was built, such as git+https://github.com/acme/platform.git"
    )
    web(repository="https://example.com/tiny", devDependencies=asked["devDependencies"])
    assert "1.4.0" in prepared(root, "minor", WEB, dry_run=True)
    web(private=True)
    advice = 'remove its "private" if it is to be published'
    assert refused(root, "minor", WEB) == (f"{place}: is private; {advice}",)
    verb = ["--root", str(root), "release", "--tagged"]
    assert cli.main([*verb, "@tiny/web-v1.3.4"]) == 2


def test_a_version_of_npm_that_cannot_be_moved_is_refused(
    root: Path, web: Callable[..., None], write: Write
) -> None:
    manifest = text(root, f"{WEB}/package.json")
    write({f"{WEB}/package.json": manifest.replace('"version"', '"versi\\u006fn"')})
    (told,) = refused(root, "minor", WEB)
    assert told.startswith(f"{WEB}/package.json: writes version in an unusual notation; ")


def test_the_locks_of_other_packages_are_read_only_if_they_change(
    root: Path, web: Callable[..., None], write: Write
) -> None:
    for name, wanted in {"a": "workspace:*", "b": "workspace:^", "c": "workspace:~"}.items():
        manifest = {"name": f"@tiny/{name}", "devDependencies": {"@tiny/web": wanted}}
        write({f"shared/js/{name}/package.json": json.dumps(manifest)})
    # There is neither a lock nor Node here.
    web()
    said = prepared(root, "major", WEB)
    assert "pnpm-lock.yaml" not in said and "shared/js/a" not in said


def test_a_push_of_a_tag_that_only_the_remote_has_is_refused_as_a_whole(
    root: Path, core: Path, tmp_path: Path
) -> None:
    def git(*words: object, code: int = 0) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *map(str, words)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    git("init", "--quiet", "--bare", tmp_path / "origin")
    git("remote", "add", "origin", tmp_path / "origin")
    git("tag", "tiny-core-v1.4.0")
    git("push", "--quiet", "origin", "HEAD:refs/heads/main", "tiny-core-v1.4.0")
    git("tag", "--delete", "tiny-core-v1.4.0")
    before = git("ls-remote", "origin")
    said = prepared(root)
    assert "only this clone was searched for the tag: if origin has it, it refuses all of" in said
    for command in re.findall(r"^  git ((?:add|commit|tag) .*)$", said, re.MULTILINE):
        git(*shlex.split(command))
    git("push", "--atomic", "origin", "HEAD:refs/heads/main", "tiny-core-v1.4.0", code=1)
    assert git("ls-remote", "origin") == before


def test_a_section_goes_above_all_others_and_below_the_head() -> None:
    assert release.with_section("", "## 1\n\n- x") == "# Changelog\n\n## 1\n\n- x\n"
    old = "# News\n\nOf us.\n\n## 0\n\n- y\n"
    new = "# News\n\nOf us.\n\n## 1\n\n- x\n\n## 0\n\n- y\n"
    assert release.with_section(old, "## 1\n\n- x") == new


@pytest.mark.parametrize("tag", ["tiny-core-v1.4.0", "v1.3.4", "core-v1.3.4", "", "$(id)-v1.3.4"])
def test_a_tag_names_a_package_in_its_present_version(
    root: Path, core: Path, buildable: Buildable, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    buildable(AUDIO)
    verb = ["--root", str(root), "release", "--tagged"]
    assert cli.main([*verb, "tiny-core-v1.3.4"]) == 0
    assert capsys.readouterr().out == f"{CORE}\n"
    assert cli.main([*verb, tag]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith(f"monorepo: TAG: {tag!r} names no package in ")
    assert cli.main([*verb, "tiny-audio-v1.0"]) == 2
    assert "is private, and tiny-audio-v1.0 would publish it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packages", "what"),
    [
        ([], "PKG: names 0 packages; "),
        ([CORE, AUDIO], "PKG: names 2 packages; "),
        (["shared/py/no"], "shared/py/no: is not a package here; "),
    ],
)
def test_one_package_is_named(
    root: Path,
    core: Path,
    buildable: Buildable,
    capsys: pytest.CaptureFixture[str],
    packages: list[str],
    what: str,
) -> None:
    buildable(AUDIO)
    assert cli.main(["--root", str(root), "release", "--bump=minor", *packages]) == 2
    assert capsys.readouterr().err.startswith(f"monorepo: {what}")
