"""The hashes of all pins are recorded, and belong to the pins of constraints.txt."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import hashes
from monorepo.system.errors import UsageError

SHA = f"--hash=sha256:{'0' * 64}"
PIECES = [
    "left==1.0",
    " \\\n",
    f"    {SHA}",
    "\n",
    "# requires ",
    "idna, left",
    "a==1 ; os_name == 'nt'",
    "x",
]

pins = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,5}==[0-9]\.[0-9]( ; os_name == 'nt')?", fullmatch=True),
    st.lists(st.just(SHA), min_size=1, max_size=2),
    max_size=4,
)


@given(pins)
def test_what_is_written_is_read(recorded: dict[str, list[str]]) -> None:
    names = set(hashes.named(recorded))
    text = hashes.render(recorded, dict.fromkeys(recorded, names))
    assert hashes.parse(text) == recorded
    assert hashes.notes(text, hashes.REQUIRES) == dict.fromkeys(recorded, names)
    assert hashes.mismatches("".join(f"{pin}\n" for pin in recorded), text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("left\n", 1),
        (f"# x\n{SHA}\n", 2),
        ("left==1\nleft==1\n", 2),
        ("left==1 \\\n  --hash=md5:0", 2),
    ],
)
def test_malformed(text: str, line: int) -> None:
    with pytest.raises(
        UsageError, match=rf"tools/hashes.txt:{line}: is neither a pin nor its hash"
    ):
        hashes.parse(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert all(line in text for line in hashes.parse(text))
    hashes.mismatches(text, text)


@pytest.mark.parametrize(
    ("constraints", "recorded", "expected"),
    [
        ("left==1\n", f"left==1 \\\n  {SHA}\n", []),
        ("left==1 # why\n", f"left==1 \\\n  {SHA}\n", []),
        ("left==1\n", "left==1\n", ["tools/hashes.txt: has no hash of left==1; run make lock"]),
        (
            "",
            f"left==1 \\\n  {SHA}\n",
            ["tools/hashes.txt: left==1 is not in constraints.txt; run make lock"],
        ),
        ("left>1\n", "", ["constraints.txt: left>1 is not a pin; run make lock"]),
        (
            "left==1\n",
            f"left==1 \\\n  {SHA}\n    # requires right\n",
            ["tools/hashes.txt: left==1 requires right, which is not pinned; run make lock"],
        ),
    ],
)
def test_differences(constraints: str, recorded: str, expected: list[str]) -> None:
    assert hashes.mismatches(constraints, recorded) == expected


def test_requirements_of_requirements_are_pinned() -> None:
    text = f"a==1 \\\n  {SHA}\n  # requires b\nb==1 \\\n  {SHA}\n  # requires c\n"
    text += f"z==1 \\\n  {SHA}\n  # requires y\n"
    assert hashes.unmet(text, ["a"]) == ["tools/hashes.txt: b==1 requires c, which is not pinned"]
