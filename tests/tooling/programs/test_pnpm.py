"""pnpm comes as the bytes that package.json pins, or not at all."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.programs import pnpm
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
PROGRAM = pnpm.program_package()
# In place of npm: it serves what lies in a folder, and notes what was asked for.
NPM = """\
#!/bin/sh
here='{}'
[ "$1" != config ] || exit 0
echo "$*" >> "$here/asked"
case "$1" in
pack) [ ! -e "$here/broken" ] || {{ echo no network >&2; exit 1; }}
  while [ "$1" != --pack-destination ]; do shift; done; cp "$here"/*.tgz "$2" ;;
view) case "$*" in
  *pnpm@12*) echo '["12.0.1", "12.9.0", "12.10.0", "12.11.0-rc.1"]' ;;
  *other*) echo E404 >&2; exit 1 ;;
  *) cat "$here/integrity" ;;
  esac ;;
esac
"""


def archive(file: Path, files: dict[str, str]) -> str:
    with tarfile.open(file, "w:gz") as made:
        for path, text in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
    return pnpm.integrity(file)


@pytest.fixture
def registry(javascript: Path, write: Write) -> Path:
    """Put packages where the program in npm's place finds them, and pin them."""
    folder = javascript.parent / "registry"
    folder.mkdir()
    needs = {"optionalDependencies": {PROGRAM: "12.0.1", "@pnpm/exe.other": "12.0.1"}}
    own = archive(
        folder / "pnpm-12.0.1.tgz",
        {"package.json": json.dumps(needs), "pnpm": "not run\n", "../../evil": "", "dist/x": "x"},
    )
    stem = PROGRAM[1:].replace("/", "-")
    program = archive(folder / f"{stem}-12.0.1.tgz", {"pnpm": "#!/bin/sh\necho it runs\n"})
    (folder / "integrity").write_text(json.dumps(program), encoding="utf-8")
    write({".venv/bin/npm": NPM.format(folder)})
    (javascript / ".venv/bin/npm").chmod(0o755)
    text = (javascript / "package.json").read_text(encoding="utf-8")
    pinned = pnpm.Pin("12.0.1", {"pnpm": own, PROGRAM: program})
    write({"package.json": pnpm.written(text, pinned)})
    assert pnpm.pin(javascript) == pinned
    return folder


def asked(registry: Path) -> int:
    file = registry / "asked"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return len(lines)


def test_it_is_installed_once_and_anew_when_it_is_not_whole(
    javascript: Path, registry: Path
) -> None:
    link = javascript / ".venv/bin/pnpm"
    for _ in range(2):
        pnpm.ready(javascript)
        assert pnpm.output(javascript, [], "x") == ["it runs"]
    assert asked(registry) == 1
    folder = javascript / ".venv/lib/node_modules/pnpm"
    assert {one.name for one in folder.iterdir()} == {
        "package.json",
        "pnpm",
        "dist",
        "monorepo.json",
    }
    assert {one.name for one in (javascript / ".venv").iterdir()} == {"bin", "lib"}
    for harm in (
        lambda: link.unlink(),
        lambda: (folder / "pnpm").write_text("crashes", encoding="utf-8"),
        lambda: (folder / "pnpm").unlink(),
        lambda: (folder / "monorepo.json").write_text("[]", encoding="utf-8"),
        lambda: (folder / "pnpm").chmod(0o644),
    ):
        harm()
        pnpm.ready(javascript)
        assert pnpm.output(javascript, [], "x") == ["it runs"]
        assert asked(registry) == 1


@pytest.mark.parametrize("name", ["pnpm", PROGRAM])
def test_other_bytes_are_refused_and_nothing_of_them_is_kept(
    javascript: Path, registry: Path, name: str
) -> None:
    stem = name.removeprefix("@").replace("/", "-")
    archive(registry / f"{stem}-12.0.1.tgz", {"pnpm": "#!/bin/sh\necho evil\n"})
    with pytest.raises(TaskError, match=f"the registry serves another {name} 12.0.1 than the one"):
        pnpm.ready(javascript)
    assert [one.name for one in (javascript / ".venv").iterdir()] == ["bin"]
    assert [one.name for one in (javascript / ".venv/bin").iterdir()] == ["npm"]


def test_a_registry_that_cannot_be_asked(javascript: Path, registry: Path) -> None:
    (registry / "broken").touch()
    with pytest.raises(
        TaskError, match=r"setup: npm could not fetch pnpm@12.0.1 and .*\nno network"
    ):
        pnpm.ready(javascript)


def test_what_a_user_says_of_waiting_counts(javascript: Path, write: Write) -> None:
    def waits() -> dict[str, str]:
        env = pnpm.environment(javascript, "npm", javascript)
        return {key: value for key, value in env.items() if key.startswith("npm_config_fetch")}

    write({".venv/bin/npm": "#!/bin/sh\necho 'fund = false'\n"})
    (javascript / ".venv/bin/npm").chmod(0o755)
    assert waits() == {
        "npm_config_fetch_timeout": "8000",
        "npm_config_fetch_retries": "1",
        "npm_config_fetch_retry_mintimeout": "5000",
    }
    for line, name in (
        ("; fetch-timeout = 9 ; overridden", "npm_config_fetch_timeout"),
        ('{"fetchRetries": 0}', "npm_config_fetch_retries"),
    ):
        write({".venv/bin/npm": f"#!/bin/sh\necho '{line}'\n"})
        assert name not in waits()
        assert len(waits()) == 2


def test_this_machine_has_to_be_pinned(javascript: Path, registry: Path, write: Write) -> None:
    pinned = pnpm.pin(javascript)
    text = (javascript / "package.json").read_text(encoding="utf-8")
    other = {"pnpm": pinned.integrity["pnpm"], "@pnpm/exe.z": pinned.integrity["pnpm"]}
    write({"package.json": pnpm.written(text, pnpm.Pin("12.0.1", other))})
    with pytest.raises(UsageError, match=rf"has no hash of {PROGRAM}, .*; run make lock"):
        pnpm.ready(javascript)
    assert asked(registry) == 0
    assert pnpm.read(pnpm.locked(javascript, move=False)).integrity == {
        **pinned.integrity,
        "@pnpm/exe.z": pinned.integrity["pnpm"],
    }


@pytest.mark.parametrize(
    "manager", ["pnpm@12.0.1", "pnpm@12.0.1+sha512.abc", "pnpm@12.0.1+sha224.953c8233f7a9"]
)
def test_the_hashes_are_added(javascript: Path, registry: Path, write: Write, manager: str) -> None:
    then = pnpm.pin(javascript)
    write({"package.json": f'{{\n  "packageManager": "{manager}",\n  "x": 1\n}}\n'})
    with pytest.raises(
        UsageError, match=r"package.json:2: packageManager has no hash.*run make lock"
    ):
        pnpm.pin(javascript)
    text = pnpm.locked(javascript, move=False)
    assert pnpm.read(text) == then
    assert json.loads(text)["x"] == 1
    write({"package.json": text})
    asked(registry)
    assert pnpm.locked(javascript, move=False) == text
    assert asked(registry) == 0


def test_it_moves_within_its_major_version(javascript: Path, registry: Path) -> None:
    (registry / "pnpm-12.0.1.tgz").rename(registry / "pnpm-12.10.0.tgz")
    assert pnpm.read(pnpm.locked(javascript, move=True)).version == "12.10.0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "package.json: has no packageManager; restore it from git"),
        (
            '{"packageManager": "pnpm@file:./evil"}',
            "is not an exact pnpm with its hash; restore it",
        ),
        ('{"packageManager": "yarn@4.0.0"}', "is not an exact pnpm with its hash"),
        ('{"packageManager": "pnpm@^12"}', "is not an exact pnpm with its hash"),
        ('{"packageManager": []}', "is not an exact pnpm with its hash"),
        ("{", "package.json:1: is not JSON"),
        ("<<<<<<< a\n", "package.json:1: has a conflict marker of git"),
    ],
)
def test_what_is_no_pin_is_one_line(
    javascript: Path, registry: Path, write: Write, text: str, said: str
) -> None:
    write({"package.json": text})
    for ask in (lambda: pnpm.ready(javascript), lambda: pnpm.locked(javascript, move=True)):
        with pytest.raises(UsageError) as caught:
            ask()
        assert said in str(caught.value)
    assert asked(registry) == 0
