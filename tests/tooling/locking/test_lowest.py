"""What is recorded of lowest versions counts as long as nothing that it depends on has changed."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.locking import lowest
from monorepo.locking.lowest import LOWEST, Entry, Pins
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
Write = Callable[[dict[str, str]], None]

HASH = f"--hash=sha256:{'0' * 64}"
PINS = ("left==3.0", "right==3.0", "deep==3.0", "beside==3.0", "far==3.0")


def pins(*lines: str, **requires: str) -> Pins:
    """Return pins, and what each requires, by its name."""
    named = {line.partition("==")[0]: line for line in lines}
    return Pins(
        {line: [HASH] for line in lines}, {named[n]: r.split() for n, r in requires.items()}
    )


NAMES = st.sampled_from(["left", "right", "deep"])
LINES = st.builds("{}=={}.0".format, NAMES, st.integers(1, 3))
ENTRIES = st.dictionaries(LINES, st.sets(NAMES)).map(
    lambda found: Pins({line: [HASH] for line in found}, {k: v for k, v in found.items() if v})
)
LABELS = st.sampled_from(["shared/py/a", "services/py/b-c.d", "services-py"])


@given(st.dictionaries(LABELS, ENTRIES), st.integers(0, 2**64 - 1))
def test_what_is_written_is_read(found: dict[str, Pins], digest: int) -> None:
    record = {label: Entry(f"{digest:016x}", one) for label, one in lowest.aligned(found).items()}
    assert lowest.parse(lowest.render(record)) == record
    assert lowest.render(lowest.parse(lowest.render(record))) == lowest.render(record)


def test_a_merge_conflict_is_told() -> None:
    with pytest.raises(UsageError, match=rf"^{re.escape(LOWEST)}:1: is neither a pin nor its hash"):
        lowest.parse("<<<<<<< HEAD\n")


@pytest.fixture
def api(package: MakePackage, groups: MakeGroups) -> str:
    """Have a service that needs a module, both with requirements, and another module."""
    package("shared/py/core", "beside>=1", "left>=0.5")
    package("shared/py/other", "far>=1")
    package("services/py/api", "left>=1", "tiny-core", gpu=["far>=1"], io=["right>=1"])
    groups("services/py/api", test=["right>=0.9"])
    return "services/py/api"


def asked(root: Path, path: str) -> lowest.Asked:
    space = workspace.load(root)
    return lowest.asked(space, space.packages[path])


@pytest.mark.usefixtures("api")
def test_what_a_package_asks_for(root: Path) -> None:
    assert asked(root, "services/py/api") == (
        "3.11",
        ("left>=1", "right>=0.9", "right>=1"),
        ("beside>=1", "left>=0.5"),
    )
    assert asked(root, "shared/py/other") == ("3.11", ("far>=1",), ())


def edit(root: Path, path: str, old: str, new: str) -> None:
    file = root / path / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


CHANGES: dict[str, tuple[Iterable[str], bool]] = {
    "a lower bound is lower": (["services/py/api", "left>=1", "left>=0.8"], False),
    "one in a group is higher": (["services/py/api", "right>=0.9", "right>=1.5"], False),
    "an extra that is not installed": (["services/py/api", "far>=1", "far>=2"], True),
    "one more": (["services/py/api", '"left>=1"', '"left>=1", "deep"'], False),
    "another package asks for less of it": (["shared/py/core", "left>=0.5", "left>=0.2"], False),
    "another package asks for more of others": (["shared/py/core", "beside>=1", "beside>=2"], True),
    "the oldest Python is newer": (["services/py/api", ">=3.11", ">=3.12"], False),
    "a package that it does not need": (["shared/py/other", "far>=1", "left>=1"], True),
}


@pytest.mark.parametrize(("change", "kept"), CHANGES.values(), ids=CHANGES)
def test_a_record_follows_the_manifests(
    root: Path, api: str, change: list[str], kept: bool
) -> None:
    recorded, whole = pins("left==1.0", "right==1.0", left="deep"), pins(*PINS)
    entry = Entry(asked(root, api).digest(whole, recorded), recorded)
    assert asked(root, api).fits(entry, whole)
    edit(root, *change)
    assert asked(root, api).fits(entry, whole) is kept


def test_a_record_follows_the_pins_that_it_has_to_do_with(root: Path, api: str) -> None:
    recorded, wanted = pins("left==1.0", "right==1.0", left="deep"), asked(root, api)
    first = wanted.digest(pins(*PINS), recorded)

    def moved(old: str, **requires: str) -> str:
        lines = (line.replace("3.0", "4.0") if line == old else line for line in PINS)
        return wanted.digest(pins(*lines, **requires), recorded)

    # These are at their lowest; nobody here needs this one.
    assert moved("left==3.0") == moved("right==3.0") == moved("far==3.0") == first
    # The old version of `left` needs it, which the new one does not.
    assert moved("deep==3.0") != first
    # It is recorded because there is no way around, which may change with the pin.
    forced = pins("left==1.0", "deep==1.0", left="deep")
    before, after = pins(*PINS), pins(*PINS[:2], "deep==1.0", *PINS[3:])
    assert wanted.digest(before, forced) != wanted.digest(after, forced)
    # A version that somebody has changed by hand is not what was resolved.
    assert wanted.digest(pins(*PINS), pins("left==2.0", "right==1.0", left="deep")) != first
    # It is somebody else's, until it needs what is recorded.
    assert moved("beside==3.0") == first
    needing = wanted.digest(pins(*PINS, beside="right"), recorded)
    assert needing != first
    assert moved("beside==3.0", beside="right") not in (first, needing)


def test_a_package_can_have_what_is_recorded_of_a_sub_template(root: Path, api: str) -> None:
    whole, wanted = pins(*PINS), asked(root, api)
    recorded = pins("left==1.0")
    fitting, other = Entry(wanted.digest(whole, recorded), recorded), Entry("0" * 16, recorded)
    assert wanted.entry(api, {api: fitting}, whole) is fitting
    assert wanted.entry(api, {api: other, "services-py": fitting}, whole) is fitting
    assert wanted.entry(api, {api: other, "shared/py/twin": fitting}, whole) is None


def test_only_what_is_new_is_looked_at(
    root: Path, api: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"{line} \\\n    {HASH}\n" for line in PINS)
    entry = Entry("0" * 16, pins("left==1.0"))
    record = dict.fromkeys(("shared/py/core", "shared/py/other", "services-py"), entry)
    write({"tools/hashes.txt": text, LOWEST: lowest.render(record)})
    seen: list[str] = []
    ask = lowest.asked

    def asked(space: workspace.Workspace, package: workspace.Package) -> lowest.Asked:
        seen.append(package.path)
        return ask(space, package)

    monkeypatch.setattr(lowest, "asked", asked)
    assert lowest.relabelled(workspace.load(root), [api]) == lowest.render(record)
    assert seen == [api]


def test_packages_come_and_go_without_a_network(root: Path, api: str, write: Write) -> None:
    assert lowest.relabelled(workspace.load(root)) is None
    whole, recorded = pins(*PINS), pins("left==1.0")
    text = "".join(f"{line} \\\n    {HASH}\n" for line in PINS)
    entry = Entry(asked(root, api).digest(whole, recorded), recorded)
    core = Entry("0" * 16, pins("left==0.5"))
    record = {"services-py": entry, "shared/py/core": core, "shared/py/gone": core}
    write({"tools/hashes.txt": text, LOWEST: lowest.render(record)})
    made = lowest.relabelled(workspace.load(root)) or ""
    # What is not up to date stays for `make lock`, which keeps what it can.
    assert lowest.parse(made) == {"services-py": entry, api: entry, "shared/py/core": core}
    # It was removed by hand, and another one made at its path.
    assert lowest.parse(lowest.relabelled(workspace.load(root), [api]) or "")[api] == entry
    record[api] = core
    write({LOWEST: lowest.render(record)})
    assert lowest.parse(lowest.relabelled(workspace.load(root)) or "")[api] == core
    assert lowest.parse(lowest.relabelled(workspace.load(root), [api]) or "")[api] == entry
    lowest.keep(root, ["services-py"])
    assert lowest.parse((root / LOWEST).read_text("utf-8")) == {"services-py": entry}
