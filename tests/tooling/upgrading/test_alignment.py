"""Two renderings get the form of the team's tree, and still differ by what they differed by."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.locking import projects
from monorepo.upgrading import alignment, records

LINES = st.lists(st.sampled_from(["a = 1", "[b]", "# c", "", "d é"]), max_size=6)
RECORD = f'{records.TABLE}\nversion = "1.0"\n'


def texts(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def aligned(path: str, text: str, team: str | None, *, manifest: bool, crlf: bool) -> str:
    """Return what a file of a rendering is afterwards, where the team's is `team`."""
    with tempfile.TemporaryDirectory() as folder:
        rendering, tree = Path(folder, "rendering"), Path(folder, "team")
        rendering.mkdir()
        tree.mkdir()
        (rendering / path).write_bytes(text.encode())
        if team is not None:
            (tree / path).write_bytes(team.encode())
        manifests, with_crlf = ([path] if manifest else []), ([path] if crlf else [])
        alignment.align(rendering, tree, manifests, with_crlf)
        return (rendering / path).read_bytes().decode()


@given(LINES, LINES, LINES, st.booleans(), st.booleans())
def test_what_differs_still_does(
    old: list[str], new: list[str], team: list[str], crlf: bool, recorded: bool
) -> None:
    before, after = texts(old), texts(new)
    reference = texts(team) + (RECORD.replace("1.0", "3.0") if recorded else "")
    sides = []
    for text, version in ((before, "1.0"), (after, "2.0")):
        whole = f"{text}{RECORD.replace('1.0', version)}"
        made = aligned("a.toml", whole, reference, manifest=True, crlf=crlf)
        assert (made.count("\r\n") == made.count("\n")) == crlf
        made = made.replace("\r\n", "\n")
        # All outside of the record is as it was; the record is the team's, if there is one.
        assert made == f"{text}{RECORD.replace('1.0', '3.0' if recorded else version)}"
        sides.append(made)
    if recorded:
        assert (sides[0] == sides[1]) == (before == after)


def test_what_make_lock_wrote_is_the_same_everywhere() -> None:
    lines = 'constraint-dependencies = [\n    "a==1",\n]\n'
    team = projects.with_block(f"a = 1\n{RECORD}", lines)
    for text in ("a = 2\n", "b = 1\n"):
        made = aligned("a.toml", f"{text}{RECORD}", team, manifest=True, crlf=False)
        assert made == projects.with_block(f"{text}{RECORD}", lines)


@pytest.mark.parametrize("team", [None, "other\n"])
def test_other_files_stay(team: str | None) -> None:
    text = f"a\n{RECORD}"
    assert aligned("a.toml", text, team, manifest=False, crlf=False) == text


def test_what_the_team_does_not_have_stays() -> None:
    assert aligned("a.toml", RECORD, None, manifest=True, crlf=True) == RECORD


def test_what_is_no_text_is_none() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for side in ("rendering", "team"):
            Path(folder, side).mkdir()
            Path(folder, side, "a").write_bytes(b"\xff\n" if side == "team" else b"\xfe\n")
        Path(folder, "rendering/link").symlink_to("a")
        Path(folder, "team/link").symlink_to("a")
        alignment.align(Path(folder, "rendering"), Path(folder, "team"), ["a", "link"], ["link"])
        assert Path(folder, "rendering/a").read_bytes() == b"\xfe\n"
        assert Path(folder, "rendering/link").is_symlink()


WORKSPACE = """\
packages:
  - "shared/js/*"
catalog:
  "@types/node": {0}
  left: {1}
overrides:
  right: {0}
minimumReleaseAge: 1440
"""


def test_pins_are_the_teams_and_the_rest_is_not() -> None:
    made = alignment.with_pins(
        "pnpm-workspace.yaml",
        WORKSPACE.format("^2.0.0", "3.1.0"),
        WORKSPACE.format("1.0.0", "~9.0.0"),
    )
    assert made == WORKSPACE.format("1.0.0", "~9.0.0")
    # A name that the team does not have keeps its version, and one of the team's is not added.
    fewer = "catalog:\n  left: 9.0.0\n  ours: 1.0.0\n"
    made = alignment.with_pins("pnpm-workspace.yaml", WORKSPACE.format("2.0.0", "3.1.0"), fewer)
    assert made == WORKSPACE.format("2.0.0", "9.0.0")


def test_pnpm_itself_is_a_pin() -> None:
    text = '{\n  "name": "a",\n  "packageManager": "pnpm@%s"\n}\n'
    theirs = text.replace('"a"', '"b"')
    made = alignment.with_pins(
        "package.json", text % "12.1.0+sha512.ab", theirs % "12.0.0+sha512.cd"
    )
    assert made == text % "12.0.0+sha512.cd"


@given(LINES, LINES)
def test_what_has_no_pins_stays(old: list[str], team: list[str]) -> None:
    assert alignment.with_pins("pnpm-workspace.yaml", texts(old), texts(team)) == texts(old)
