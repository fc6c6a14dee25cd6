"""Who owns a package says its manifest, and CODEOWNERS what all manifests say."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.generation import code_owners
from monorepo.generation.code_owners import BEGIN, FILE
from monorepo.guard import runner
from monorepo.layout import flatten
from monorepo.programs.git import Git
from monorepo.renaming import rename
from monorepo.scaffold import addition, removal
from monorepo.syncing import sync
from tests.tooling.conftest import FACTS, PYTHON_TEMPLATE

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
CORE, AUDIO, UI = "shared/py/core", "shared/py/audio", "shared/js/ui"
END = "# The end of what make sync writes. The last line that fits a file decides."
DEFAULT, OF_AUDIO, OF_UI = "* @tiny/all", f"/{AUDIO}/ @ann bo@tiny.io", f"/{UI}/ @tiny/ui"


def between(*lines: str) -> str:
    """Return a text with the two comments around some lines."""
    return "".join(f"{line}\n" for line in (BEGIN, *lines, END))


def text(root: Path, path: str = FILE) -> str:
    return (root / path).read_text(encoding="utf-8")


@pytest.fixture
def own(root: Path, package: MakePackage, write: Write) -> Callable[[str, object], None]:
    """Give a package, which is written, or the repository ("") owners."""

    def own(path: str, owners: object) -> None:
        if path == UI:
            settings = {"name": "@tiny/ui", "monorepo": {"owners": owners}}
            write({f"{UI}/package.json": json.dumps(settings, indent=2)})
            return
        if path:
            package(path)
        manifest = root / path / "pyproject.toml"
        table = "" if not path else "\n[tool.monorepo]\n"
        manifest.write_text(f"{text(manifest.parent, manifest.name)}{table}owners = {owners}\n")

    return own


Own = Callable[[str, object], None]


@pytest.fixture
def owned(own: Own) -> None:
    """Write a repository with owners, of all and of packages in both languages."""
    own("", ["@tiny/all"])
    own(AUDIO, ["@ann", "bo@tiny.io"])
    own(UI, ["@tiny/ui"])


@pytest.mark.usefixtures("owned")
def test_owners_are_written_in_the_order_in_which_they_count(root: Path) -> None:
    (drift,) = sync.plan(root).drift
    assert str(drift) == f"{FILE}:1: is not what the key owners says; run make sync"
    assert [each.path for each in sync.sync(root).drift] == [FILE]
    assert text(root) == between(DEFAULT, OF_UI, OF_AUDIO)
    assert sync.sync(root) == sync.Plan([], [])


def test_nothing_is_written_when_nobody_has_owners(root: Path, package: MakePackage) -> None:
    package(CORE)
    assert sync.sync(root) == sync.Plan([], [])
    assert not (root / ".github").exists()


def test_a_package_without_any_is_nobodys(root: Path, own: Own) -> None:
    own(CORE, [])
    assert sync.sync(root) == sync.Plan([], [])
    own("", ["@tiny/all"])
    sync.sync(root)
    assert text(root) == between(DEFAULT, f"/{CORE}/")


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize(
    ("theirs", "whole"),
    [
        ("/docs/ @writers\n", [OF_UI, "", "/docs/ @writers"]),
        ("# All.\n* @a\n\n/docs/ @b\n", ["# All.", "* @a", "", OF_UI, "", "", "/docs/ @b"]),
        ("* @a", ["* @a", "", OF_UI]),
    ],
)
def test_the_lines_of_a_team_keep_their_meaning(
    theirs: str, whole: list[str], root: Path, own: Own, write: Write
) -> None:
    write({"pyproject.toml": FACTS, FILE: theirs})
    own(AUDIO, [])
    sync.sync(root)
    marks = [BEGIN, f"/{UI}/ @tiny/ui", f"/{AUDIO}/", END]
    rows = [row for line in whole for row in (marks if line == OF_UI else [line])]
    assert text(root) == "".join(f"{row}\n" for row in rows)
    # Without owners, all is as it was.
    own(UI, [])
    (drift,) = sync.sync(root).drift
    assert text(root) == f"{theirs.removesuffix(chr(10))}\n"
    assert drift.path == FILE


@given(
    above=st.lists(st.sampled_from(["", "# a", "/a/ @a", "*.md @b"])),
    below=st.lists(st.sampled_from(["", "# a", "/a/ @a", "*.md @b"])),
)
def test_what_a_team_writes_around_stays(above: list[str], below: list[str]) -> None:
    region = code_owners._Region(above, ["/x/ @x"], below, is_there=True)
    put = code_owners._put(region, ["/y/ @y"])
    assert put == "".join(f"{row}\n" for row in [*above, BEGIN, "/y/ @y", END, *below])
    found = code_owners._region(put)
    assert found == region._replace(inside=["/y/ @y"])
    mine = {"/a/ @a", "*.md @b", "# a"}
    assert isinstance(found, code_owners._Region)
    rows = code_owners._put(found, []).split("\n")
    assert [row for row in rows if row in mine] == [row for row in [*above, *below] if row in mine]


@pytest.mark.usefixtures("owned")
def test_the_file_goes_with_the_last_owner(root: Path, own: Own, write: Write) -> None:
    sync.sync(root)
    write({"pyproject.toml": FACTS})
    own(AUDIO, [])
    own(UI, [])
    sync.sync(root)
    assert not (root / FILE).exists()


@pytest.mark.parametrize(
    ("owners", "wrong"),
    [
        (["ann"], "'ann' in owners is no owner"),
        (["@a b"], "'@a b' in owners is no owner"),
        (["@org/team/x"], "'@org/team/x' in owners is no owner"),
        (["@ann # x"], "'@ann # x' in owners is no owner"),
        (["@ann\n* @eve"], r"'@ann\n* @eve' in owners is no owner"),
        (["ann@host"], "'ann@host' in owners is no owner"),
        (["@-a"], "'@-a' in owners is no owner"),
        ([1], "1 in owners is no owner"),
        ("@ann", "owners is not a list; write one such as"),
    ],
)
def test_what_is_no_owner_is_refused(
    owners: object, wrong: str, root: Path, own: Own, write: Write
) -> None:
    own(UI, owners)
    own("", ["@tiny/all"])
    write({FILE: "/docs/ @a\n"})
    (mistake,) = sync.sync(root).mistakes
    assert mistake.startswith(f"{UI}/package.json:4: {wrong}")
    assert text(root) == "/docs/ @a\n"
    # It is no reason for anything else to fail.
    assert sync.refused(root) == []
    assert not workspace.load(root).problems


@pytest.mark.parametrize("owner", ["@a", "@a-b_acme", "@Org/team.x_y-z", "a.b+c@x-y.example.org"])
def test_users_teams_and_addresses_are_owners(owner: str, root: Path, own: Own) -> None:
    own(CORE, [owner])
    assert sync.sync(root).mistakes == []
    assert f"/{CORE}/ {owner}\n" in text(root)


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize("other", ["CODEOWNERS", "docs/CODEOWNERS"])
def test_a_file_at_another_place_is_not_hidden(other: str, root: Path, write: Write) -> None:
    write({other: "* @a\n"})
    (mistake,) = sync.sync(root).mistakes
    fix = f"git mv it to {FILE}"
    assert mistake == f"{other}: GitHub would not read it any more; {fix}"
    assert not (root / FILE).exists()
    write({FILE: "# Here.\n"})
    assert sync.sync(root).mistakes == []


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize("rows", [[BEGIN], [END], [END, BEGIN], [BEGIN, BEGIN, END]])
def test_a_comment_alone_is_refused(rows: list[str], root: Path, write: Write) -> None:
    before = "".join(f"{row}\n" for row in rows)
    write({FILE: before})
    found = sync.sync(root)
    message = "does not have the two comments around what make sync writes"
    assert found.mistakes == [f"{FILE}:1: {message}; restore them, or remove both"]
    assert text(root) == before == code_owners.in_order(before) or rows == [END, BEGIN]


@pytest.mark.usefixtures("owned")
def test_lines_that_never_decide_are_told(root: Path, write: Write) -> None:
    write({FILE: f"# All.\n/docs/ @a\n\n{between()}*.md @b\n/** @c\n"})
    found = sync.sync(root)
    assert found.mistakes == [
        f"{FILE}:2: never decides, because line 5 is about every file; "
        "write it below, or remove owners from pyproject.toml",
        f"{FILE}:10: is about every file, so that no owners decide; write it above them",
    ]
    write({FILE: f"# All.\n{between(DEFAULT, OF_UI, OF_AUDIO)}*.md @b\n"})
    assert sync.sync(root) == sync.Plan([], [])


@pytest.mark.usefixtures("owned")
def test_what_is_not_known_stays(root: Path, write: Write, own: Own) -> None:
    sync.sync(root)
    write({f"{UI}/package.json": "{"})
    own(AUDIO, ["@bo"])
    sync.sync(root)
    assert text(root) == between(DEFAULT, OF_UI, f"/{AUDIO}/ @bo")


@pytest.mark.usefixtures("owned")
def test_a_package_that_a_checkout_leaves_out_keeps_its_owners(
    root: Path, git: Git, save: Save, own: Own
) -> None:
    sync.sync(root)
    save()
    git.run("sparse-checkout", "set", "--no-cone", "/*", f"!{UI}")
    own("", [])
    assert not (root / UI).exists()
    (root / "pyproject.toml").write_text(f"{FACTS}owners = ['@b']\n", encoding="utf-8")
    sync.sync(root)
    assert text(root) == between("* @b", OF_UI, OF_AUDIO)


@pytest.mark.usefixtures("owned")
def test_a_file_keeps_its_line_breaks_and_one_that_is_no_text_is_told(root: Path) -> None:
    (root / ".github").mkdir()
    (root / FILE).write_bytes(b"/docs/ @a\r\n")
    sync.sync(root)
    expected = f"{between(DEFAULT, OF_UI, OF_AUDIO)}\n/docs/ @a\n"
    assert (root / FILE).read_bytes() == expected.replace("\n", "\r\n").encode()
    assert sync.plan(root) == sync.Plan([], [])
    (root / FILE).write_bytes(b"\xff\n")
    (mistake,) = sync.plan(root).mistakes
    assert re.match(rf"{FILE}:1: is not UTF-8", mistake)


@pytest.mark.usefixtures("owned")
def test_the_rule_drift_holds_it(root: Path, write: Write) -> None:
    def found() -> list[str]:
        space = workspace.load(root)
        return [str(one) for one in runner.guard(space, ["drift"]) if FILE in str(one)]

    assert found() == [f"{FILE}:1: drift.manifest: is not what the key owners says; run make sync"]
    sync.sync(root)
    assert found() == []
    write({FILE: f"{text(root)}* @a\n"})
    (line,) = found()
    assert "is about every file, so that no owners decide" in line


@pytest.mark.usefixtures("owned", "templates")
def test_a_package_that_comes_or_goes_is_followed(root: Path, write: Write) -> None:
    sync.sync(root)
    made = "tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml"
    write({made: f'{PYTHON_TEMPLATE}\n[tool.monorepo]\nowners = ["@bo"]\n'})
    said = addition.add(root, ["shared/py/ears"], dry_run=True)
    assert "+/shared/py/ears/ @bo" in said
    addition.add(root, ["shared/py/ears"])
    assert text(root) == between(DEFAULT, OF_UI, OF_AUDIO, "/shared/py/ears/ @bo")
    removal.remove(root, AUDIO)
    assert text(root) == between(DEFAULT, OF_UI, "/shared/py/ears/ @bo")
    assert sync.plan(root) == sync.Plan([], [])


@pytest.mark.usefixtures("owned")
def test_a_package_that_moves_is_followed_in_order(root: Path, git: Git, save: Save) -> None:
    sync.sync(root)
    with (root / FILE).open("a", encoding="utf-8") as file:
        file.write(f"/{UI}/src/ @tiny/ui\n")
    tree = save()
    # The team is called like the package, and is another one.
    rename.rename(root, UI, "shared/js/sight")
    ui = "/shared/js/sight/ @tiny/ui"
    expected = f"{between(DEFAULT, ui, OF_AUDIO)}/shared/js/sight/src/ @tiny/ui\n"
    assert text(root) == expected
    assert sync.plan(root) == sync.Plan([], [])
    save()
    assert not any("CODEOWNERS" in line for line in flatten.flatten(root) if "look" in line)
    rows = [DEFAULT, "/packages/tiny-audio/ @ann bo@tiny.io", "/packages/tiny-sight/ @tiny/ui"]
    assert text(root) == f"{between(*rows)}/packages/tiny-sight/src/ @tiny/ui\n"
    assert sync.plan(root) == sync.Plan([], [])
    save()
    flatten.flatten(root, undo=True)
    save()
    rename.rename(root, "shared/js/sight", UI)
    assert git.text("diff", "--cached", tree) == ""
