"""What a repository was made from, if it does not say so: the candidate that looks most like it."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from monorepo.core import workspace
from monorepo.programs.git import Git
from monorepo.system.errors import UsageError
from monorepo.upgrading import origin
from monorepo.upgrading.merge import Base

Write = Callable[[dict[str, str]], None]

# An engine that renders what its version tells, or fails.
RENDERS = """\
from monorepo.system.errors import UsageError

def render(wanted, out):
    if {fails}:
        raise UsageError("a: b")
    (out / "r").mkdir()
    for name, text in {files}.items():
        (out / "r" / name).write_text(text)
    made = {{"root": str(out / "r"), "answers": wanted["answers"]}}
    return {{**made, "packages": {{}}, "failed": {{}}}}
"""
ERRORS = """\
class UsageError(Exception):
    @property
    def mistakes(self):
        return self.args
"""


def template(folder: Path, *versions: tuple[str, dict[str, str] | None]) -> list[str]:
    """Make a clone of a template, with a commit for each version; return the commits."""
    folder.mkdir()
    git = Git(folder)
    git.run("init", "--quiet")
    commits = []
    for number, files in versions:
        code = RENDERS.format(fails=files is None, files=files or {})
        texts = {"system/errors.py": ERRORS, "upgrading/rendering.py": code}
        texts |= {f"{room}__init__.py": "" for room in ("", "system/", "upgrading/")}
        for name, text in texts.items():
            (folder / "src/monorepo" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "src/monorepo" / name).write_text(text, encoding="utf-8")
        (folder / "pyproject.toml").write_text(f'[project]\nversion = "{number}"\n', "utf-8")
        git.run("add", "--all")
        git.run("commit", "--quiet", "--message", number)
        commits.append(git.text("rev-parse", "HEAD"))
    return commits


def find(root: Path, given: str, work: Path) -> Base:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return origin.find(workspace.load(root), given, {"namespace": "tiny"}, Version("9"), work)


def test_the_one_with_most_files_as_they_are_is_taken(
    root: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"a": "1", "b": "1", "c": "1"})
    first, second, third, broken = template(
        tmp_path / "template",
        ("1.0", {"a": "0", "b": "0", "c": "0"}),
        ("2.0", {"a": "1", "b": "1", "c": "0"}),
        ("3.0", {"a": "1", "b": "0", "c": "0"}),
        ("4.0", None),
    )
    base = find(root, f"{tmp_path / 'template'}", tmp_path / "work")
    assert base.record.version == "2.0"
    assert base.record.answers == {"namespace": "tiny", "packages": ""}
    assert base.rendering
    assert (base.rendering.root / "a").read_text("utf-8") == "1"
    said = capsys.readouterr().err
    assert f"commit {second[:10]}: 2 of 3 files are as it renders them" in said
    assert f"commit {broken[:10]}: does not render: a: b" in said
    assert f"taking commit {second[:10]}" in said
    for revisions, version in ((third, "3.0"), (f"{first}..{broken}", "2.0"), (first, "1.0")):
        given = f"{tmp_path / 'template'}@{revisions}"
        assert find(root, given, tmp_path / "work").record.version == version
    with pytest.raises(UsageError, match="nothing there renders; name an earlier commit"):
        find(root, f"{tmp_path / 'template'}@{broken}", tmp_path / "work")


def test_a_folder_may_have_an_at_in_its_name(root: Path, write: Write, tmp_path: Path) -> None:
    write({"a": "1"})
    (commit,) = template(tmp_path / "a@b", ("1.0", {"a": "1"}))
    for given in (f"{tmp_path / 'a@b'}", f"{tmp_path / 'a@b'}@{commit}"):
        assert find(root, given, tmp_path / "work").record.version == "1.0"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("nosuch", "is no wheel and no clone of the template; correct it"),
        ("template@nosuch", "the clone has no such commit; fetch it, or correct it"),
        ("template@HEAD..HEAD", "the clone has no such commit; fetch it, or correct it"),
        ("template@--output=x", "the clone has no such commit; fetch it, or correct it"),
        ("x.whl", "is no wheel of cookiecutter-monorepo"),
    ],
)
def test_what_is_no_origin(root: Path, tmp_path: Path, given: str, wrong: str) -> None:
    template(tmp_path / "template", ("1.0", {"a": "1"}))
    with pytest.raises(UsageError, match=wrong):
        find(root, str(tmp_path / given), tmp_path / "work")
    assert not list(tmp_path.rglob("x"))


def test_packages_are_of_the_kind_that_their_folder_tells(
    root: Path, package: Callable[..., Path]
) -> None:
    package("shared/py/a")
    package("services/py/b")
    found = origin._followed(workspace.load(root), "1.0", "2.0")
    assert {path: (one.record.kind, one.old, one.new) for path, one in found.items()} == {
        "shared/py/a": ("shared-py", "1.0", "2.0"),
        "services/py/b": ("services-py", "1.0", "2.0"),
    }


def test_nothing_is_left_on_the_path(root: Path, write: Write, tmp_path: Path) -> None:
    before = [*sys.path]
    write({"a": "1"})
    template(tmp_path / "template", ("1.0", {"a": "1"}))
    find(root, str(tmp_path / "template"), tmp_path / "work")
    assert sys.path == before
