"""Manifests that have not changed are not read again, and nobody can tell but by the time."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import snapshot, workspace
from monorepo.core.workspace import Workspace, load
from monorepo.system import git_directories
from tests.examples import times

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]

AUDIO = "shared/py/audio/pyproject.toml"
TEXT = '[project]\nname = "tiny-audio"\nversion = "1.0"\n'
# Long for the clock of any file system that tests run on.
TICK = 20_000_000


@pytest.fixture(autouse=True)
def tick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "_TICK", TICK)
        yield


@pytest.fixture
def kept(root: Path, write: Write) -> Path:
    """Return the file of what is kept of a repository with a package."""
    write({AUDIO: TEXT})
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    settled_load(root)
    return root / ".git" / snapshot.FILE


def settled_load(root: Path) -> Workspace:
    """Load a repository whose files have been as they are for a while."""
    time.sleep(TICK * 1.5e-9)
    return load(root)


def fresh(root: Path) -> Workspace:
    """Load a repository without what is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git_directories, "file", lambda *_: None)
        return load(root)


def is_read(root: Path) -> bool:
    """Tell whether loading the repository reads the manifest of a package."""
    read = []
    real = workspace._package

    def package(root: Path, path: str, *rest: str) -> object:
        read.append(path)
        return real(root, path, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace, "_package", package)
        load(root)
    return bool(read)


def test_what_has_not_changed_is_not_read_again(root: Path, kept: Path) -> None:
    assert kept.is_file()
    assert not is_read(root)
    assert load(root) == fresh(root)
    (package,) = load(root).packages.values()
    assert (package.name, package.version, package.path) == ("tiny-audio", "1.0", "shared/py/audio")
    assert package.manifest == {"project": {"name": "tiny-audio", "version": "1.0"}}
    assert not hasattr(package, "unknown")
    assert not hasattr(fresh(root).packages[package.path], "unknown")


@pytest.mark.parametrize("text", [TEXT.replace("1.0", "1.1"), TEXT + "\n", "", "[", "x = 1\n"])
def test_what_has_changed_is_read(root: Path, kept: Path, write: Write, text: str) -> None:
    assert kept.is_file()
    write({AUDIO: text})
    assert is_read(root)
    assert load(root) == fresh(root)


def test_the_times_of_a_file_may_be_set_back(root: Path, kept: Path, write: Write) -> None:
    assert kept.is_file()
    before = (root / AUDIO).stat()
    write({AUDIO: TEXT.replace("1.0", "1.1")})
    os.utime(root / AUDIO, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(root).packages["shared/py/audio"].version == "1.1"


def test_a_file_that_has_just_been_written_is_not_kept(
    root: Path, kept: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({AUDIO: TEXT.replace("1.0", "1.1")})
    # However slow this machine is.
    monkeypatch.setattr(snapshot, "_TICK", 3_600_000_000_000)
    load(root)
    assert is_read(root)
    assert AUDIO not in kept.read_text(encoding="utf-8")
    monkeypatch.setattr(snapshot, "_TICK", TICK)
    settled_load(root)
    assert not is_read(root)


def test_packages_come_and_go(root: Path, kept: Path, write: Write) -> None:
    write({"shared/py/text/pyproject.toml": TEXT.replace("audio", "text")})
    settled_load(root)
    assert "shared/py/text" in kept.read_text()
    shutil.rmtree(root / "shared/py/text")
    assert list(load(root).packages) == ["shared/py/audio"]
    assert "shared/py/text" not in kept.read_text()


def test_what_json_cannot_say_is_read_again(root: Path, kept: Path, write: Write) -> None:
    for value in ("2027-01-31", "nan", "07:00:00"):
        write({AUDIO: f"{TEXT}[tool.x]\nvalue = {value}\n"})
        assert settled_load(root).packages.keys() == fresh(root).packages.keys()
        assert is_read(root)
    write({AUDIO: f'{TEXT}[tool.x]\nvalue = "2027-01-31"\n'})
    settled_load(root)
    assert not is_read(root)
    assert kept.is_file()


def test_the_settings_of_the_root_are_kept_as_well(root: Path, kept: Path) -> None:
    manifest = root / "pyproject.toml"
    assert '"pyproject.toml"' in kept.read_text()
    assert load(root).facts == fresh(root).facts
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"Tiny"', '"Tidy"'), encoding="utf-8")
    assert load(root).facts["project-name"] == "Tidy"
    manifest.write_text(f"{text}\n[[tool.monorepo.allow]]\nuntil = 2027-01-31\n", encoding="utf-8")
    assert settled_load(root) == fresh(root)
    assert load(root) == fresh(root)


def test_what_is_judged_by_the_namespace_follows_it(root: Path, kept: Path, write: Write) -> None:
    kind = '[tool.monorepo]\nkind = "shared"\n'
    write({"packages/tiny-flat/pyproject.toml": TEXT.replace("audio", "flat") + kind})
    settled_load(root)
    assert not is_read(root)
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace('"tiny"', '"other"')
    manifest.write_text(text, encoding="utf-8")
    assert load(root) == fresh(root)
    assert kept.is_file()


def _shorter(content: bytes) -> bytes:
    return content[:-1]


def _other_name(content: bytes) -> bytes:
    return content.replace(b"tiny-audio", b"tiny-other")


def _other_version(content: bytes) -> bytes:
    return content.replace(b"3.", b"4.", 1)


def _no_head(content: bytes) -> bytes:
    return b"\n" + content.partition(b"\n")[2]


@pytest.mark.parametrize(
    "spoil", [_shorter, _other_name, _other_version, _no_head, lambda _: b"", lambda _: b"\xff\n{"]
)
def test_a_file_that_is_not_as_it_was_written_is_no_file(
    root: Path, kept: Path, spoil: Callable[[bytes], bytes]
) -> None:
    kept.write_bytes(spoil(kept.read_bytes()))
    assert is_read(root)
    assert load(root) == fresh(root)


def test_where_nothing_can_be_written_all_is_read(root: Path, kept: Path) -> None:
    kept.unlink()
    kept.mkdir()
    assert is_read(root)
    assert settled_load(root) == fresh(root)
    assert [file.name for file in kept.parent.glob(f"{snapshot.FILE}*")] == [snapshot.FILE]


def test_a_manifest_behind_a_link_is_read(root: Path, kept: Path) -> None:
    (root / AUDIO).rename(root / "aside.toml")
    (root / AUDIO).symlink_to(root / "aside.toml")
    settled_load(root)
    assert is_read(root)
    assert kept.is_file()


def test_a_copy_in_a_worktree_leaves_nothing_behind(root: Path, kept: Path) -> None:
    shutil.copytree(root, root / "copy", ignore=shutil.ignore_patterns(".git"))
    before = kept.read_bytes()
    assert settled_load(root / "copy").packages.keys() == {"shared/py/audio"}
    assert kept.read_bytes() == before
    assert list((root / "copy").rglob(f"*{snapshot.FILE}*")) == []


def test_each_worktree_has_its_own(root: Path, kept: Path, tmp_path: Path) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for words in (["add", "--all"], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    other = tmp_path / "other"
    subprocess.run(["git", "worktree", "add", "-q", str(other)], cwd=root, check=True)
    settled_load(other)
    assert not is_read(other)
    folder = git_directories.of_worktree(other)
    assert folder
    assert (folder / snapshot.FILE).is_file()
    assert folder != kept.parent


def test_settings_are_known_without_the_manifest(root: Path, kept: Path, write: Write) -> None:
    write({AUDIO: f'{TEXT}[tool.monorepo]\nserves = ["apps/js/web"]\n'})
    settled_load(root)
    (package,) = load(root).packages.values()
    assert (package.serves, package.generated) == (("apps/js/web",), ())
    assert "manifest" not in vars(package)
    assert package == fresh(root).packages[package.path]
    assert kept.is_file()


def test_what_is_made_of_all_entries_is_gone_with_any_of_them(
    root: Path, kept: Path, write: Write
) -> None:
    def derived() -> str | None:
        whole = settled_load(root).kept
        return whole.derived() if whole else None

    def derive() -> None:
        whole = settled_load(root).kept
        assert whole
        whole.derive("[1]")
        assert derived() == "[1]"

    assert derived() == ""
    derive()
    write({AUDIO: TEXT.replace("1.0", "1.1")})
    assert derived() == ""
    derive()
    write({"shared/py/text/pyproject.toml": TEXT.replace("audio", "text")})
    assert derived() == ""
    derive()
    shutil.rmtree(root / "shared/py/text")
    assert derived() == ""
    derive()
    with (root / "pyproject.toml").open("a") as file:
        file.write("# More.\n")
    assert derived() == ""
    derive()
    kept.write_bytes(kept.read_bytes().replace(b"[1]", b"[2]"))
    assert derived() == ""


@pytest.mark.parametrize("text", ["[", f"{TEXT}[tool.x]\nuntil = 2027-01-31\n"])
def test_nothing_is_made_of_entries_while_one_is_missing(
    root: Path, kept: Path, write: Write, text: str
) -> None:
    write({"shared/py/text/pyproject.toml": text.replace("audio", "text")})
    assert settled_load(root).kept is None
    assert fresh(root).kept is None
    assert kept.is_file()


_TEXTS = st.sampled_from(
    [
        TEXT,
        TEXT.replace("1.0", "2.0"),
        TEXT.replace("tiny-audio", "tiny-other"),
        f'{TEXT}dependencies = ["tiny-b"]\n',
        f"{TEXT}[tool.x]\nuntil = 2027-01-31\n",
        f'{TEXT}[dependency-groups]\ntest = ["pytest>=9"]\n',
        f'{TEXT}[tool.monorepo]\nkind = "shared"\n',
        "[project\n",
        "",
    ]
)
_PLACES = st.sampled_from(
    ["shared/py/audio", "shared/py/b", "services/py/c", "packages/tiny-d", "apps/py/e"]
)
_EDITS = st.lists(st.tuples(_PLACES, st.none() | _TEXTS, st.booleans()), max_size=8)


@times(2)
@given(edits=_EDITS)
def test_after_any_edits_it_is_as_if_all_were_read(
    edits: list[tuple[str, str | None, bool]],
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / ".git").mkdir()
        (root / "tools").mkdir()
        (root / "tools/requirements.txt").touch()
        (root / "pyproject.toml").write_text(_ROOT, encoding="utf-8")
        for place, text, settle in edits:
            if text is None:
                shutil.rmtree(root / place, ignore_errors=True)
            else:
                (root / place).mkdir(parents=True, exist_ok=True)
                (root / place / "pyproject.toml").write_text(text, encoding="utf-8")
            found = settled_load(root) if settle else load(root)
            assert found == fresh(root)
            assert list(found.packages) == list(fresh(root).packages)
            names = [package.name for package in fresh(root).packages.values()]
            assert [package.name for package in found.packages.values()] == names


_ROOT = """\
[tool.monorepo]
namespace = "tiny"
python = "3.11"
python-env = "shared"
license = "MIT"
author-name = "Ann"
author-email = ""
"""
