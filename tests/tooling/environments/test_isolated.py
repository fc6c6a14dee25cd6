"""A clean environment holds what is declared and nothing else, in the versions asked for."""

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.hashes import HASHES
from monorepo.environments.isolated import Clean, Versions
from monorepo.locking import gpu, locks
from monorepo.locking.lowest import stale
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
MakeClean = Callable[..., Clean]


@pytest.fixture
def clean(root: Path, tmp_path: Path, uv: Path) -> MakeClean:
    """Make an environment as nox does, and what fills it."""

    def clean(
        path: str, *extras: str, groups: Iterable[str] = (), versions: str = "pinned"
    ) -> Clean:
        folder = tmp_path / "clean"
        python = root / ".venv/bin/python"
        if not folder.exists():
            subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True)
        space = workspace.load(root)
        return Clean(
            space, str(folder), {path: extras}, {path: groups}, versions=Versions(versions)
        )

    return clean


def installed(environment: Clean) -> dict[str, str]:
    """Return the versions of what is there."""
    found = environment.folder.glob("lib/python*/site-packages/*.dist-info")
    names = (path.name.removesuffix(".dist-info").partition("-") for path in found)
    return {name: version for name, _, version in names}


@pytest.mark.slow
def test_it_holds_what_is_declared_now(
    package: MakePackage, wheel: MakeWheel, clean: MakeClean, write: Write
) -> None:
    for name in ("left", "right"):
        wheel(name, "1.0")
        wheel(name, "2.0")
    write({"constraints.txt": "left==1.0\nright==2.0\n"})
    package("shared/py/other")
    package("shared/py/core", "left", test=["right"])
    environment = clean("shared/py/core", "test")
    assert environment.install()
    assert installed(environment) == {"left": "1.0", "right": "2.0", "tiny_core": "1.0"}
    assert not environment.install()
    # A pin moved, an extra is not asked for, a requirement came and one went.
    write({"constraints.txt": "left==2.0\nright==2.0\n"})
    assert environment.install()
    assert installed(environment) == {"left": "2.0", "right": "2.0", "tiny_core": "1.0"}
    assert clean("shared/py/core").install()
    assert installed(environment) == {"left": "2.0", "tiny_core": "1.0"}
    package("shared/py/core", "tiny-other")
    assert clean("shared/py/core").install()
    assert installed(environment) == {"tiny_core": "1.0", "tiny_other": "1.0"}


@pytest.mark.slow
def test_it_holds_the_groups_asked_for(
    package: MakePackage, groups: MakeGroups, wheel: MakeWheel, clean: MakeClean, write: Write
) -> None:
    for name in ("left", "right", "ruff", "deep"):
        wheel(name, "1.0")
    wheel("right", "2.0")
    write({"constraints.txt": "left==1.0\nright==2.0\nruff==1.0\ndeep==1.0\n"})
    package("shared/py/helpers", more=["deep"])
    groups("shared/py/helpers", test=["nowhere"])
    package("shared/py/core", "left")
    groups("shared/py/core", test=["tiny-helpers[more]", "right>=1"], lint=["ruff"])
    environment = clean("shared/py/core", groups=["test"])
    assert environment.install()
    names = {"left", "right", "deep", "tiny_core", "tiny_helpers"}
    assert installed(environment).keys() == names
    assert not environment.install()
    assert clean("shared/py/core", groups=["lint"]).install()
    assert installed(environment).keys() == {"left", "ruff", "tiny_core"}
    assert clean("shared/py/core").install()
    assert installed(environment).keys() == {"left", "tiny_core"}


@pytest.mark.slow
def test_the_lowest_versions(
    root: Path,
    package: MakePackage,
    wheel: MakeWheel,
    clean: MakeClean,
    write: Write,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        wheel("left", version, "deep")
        for name in ("deep", "direct", "extra", "sibling", "unasked"):
            wheel(name, version)
    names = ("left", "deep", "direct", "extra", "sibling", "unasked")
    write({"constraints.txt": "".join(f"{name}==3.0\n" for name in names)})
    package("shared/py/core", "sibling>=1")
    package(
        "shared/py/api",
        *("left>=1", "direct>=2", "tiny-core"),
        more=["extra>=1"],
        other=["unasked>=1"],
        test=["tiny-api[more]"],
    )
    locks.lock(workspace.load(root), [])
    environment = clean("shared/py/api", "test", "more", "other", versions="lowest")
    environment.install()
    assert installed(environment) == {
        "left": "1.0",
        "direct": "2.0",
        "extra": "1.0",
        "unasked": "1.0",
        # As pinned: it is somebody else's.
        "deep": "3.0",
        "sibling": "3.0",
        "tiny_api": "1.0",
        "tiny_core": "1.0",
    }
    assert "| direct  | 3.0    | 2.0  |\n| extra   | 3.0    | 1.0  |\n" in capfd.readouterr().err
    # What asks nothing of an index is as good in its lowest version.
    package("shared/py/api")
    assert clean("shared/py/api", versions="lowest").install()


@pytest.mark.slow
def test_the_lowest_versions_are_those_recorded(
    root: Path,
    package: MakePackage,
    wheel: MakeWheel,
    clean: MakeClean,
    write: Write,
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for version in ("1.0", "2.0"):
        wheel("left", version)
    write({"constraints.txt": "left==2.0\n"})
    package("shared/py/core", "left>=1")
    locks.lock(workspace.load(root), [])
    # By now there is a lower one, and the one that is recorded has other bytes.
    hashed = (root / HASHES).read_text(encoding="utf-8")
    wheel("left", "0.9")
    good = (wheels / "left-1.0-py3-none-any.whl").read_bytes()
    wheel("left", "1.0", files={"evil.py": ""})
    write({HASHES: hashed})
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    environment = clean("shared/py/core", versions="lowest")
    with pytest.raises(TaskError, match="a file does not match its hash"):
        environment.install()
    assert installed(environment) == {}
    (wheels / "left-1.0-py3-none-any.whl").write_bytes(good)
    environment.install()
    assert installed(environment) == {"left": "1.0", "tiny_core": "1.0"}
    assert not clean("shared/py/core", versions="lowest").install()
    # Nothing is asked for what is not recorded.
    package("shared/py/core", "left>=0.9")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", None)
        with pytest.raises(UsageError, match=f"^{re.escape(stale('shared/py/core'))}$"):
            clean("shared/py/core", versions="lowest").install()
    locks.lock(workspace.load(root), [])
    assert clean("shared/py/core", versions="lowest").install()
    assert installed(environment) == {"left": "0.9", "tiny_core": "1.0"}


@pytest.mark.slow
def test_the_newest_versions_are_those_of_the_index(
    package: MakePackage,
    groups: MakeGroups,
    wheel: MakeWheel,
    clean: MakeClean,
    write: Write,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for version in ("1.0", "2.0", "3.0a1", "4.0"):
        wheel("left", version)
    wheel("right", "1.0")
    wheel("right", "2.0", "new")
    wheel("right", "3.0b1", "new")
    wheel("new", "1.0")
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    package("shared/py/core", "right>=1")
    package("services/py/api", "left<4", "tiny-core")
    newest = clean("services/py/api", versions="newest")
    assert newest.install()
    ours = {"tiny_svc_api": "1.0", "tiny_core": "1.0"}
    assert installed(newest) == {"left": "2.0", "right": "2.0", "new": "1.0", **ours}
    table = ["left  | 1.0    | 2.0 ", "new   | none   | 1.0 ", "right | 1.0    | 2.0 "]
    assert "".join(f"| {row} |\n" for row in table) in capfd.readouterr().err
    early = clean("services/py/api", versions="prerelease")
    early.install()
    assert installed(early) == {"left": "3.0a1", "right": "3.0b1", "new": "1.0", **ours}
    # Each time it is what there is then, whatever is installed.
    wheel("left", "2.1")
    assert newest.install()
    assert installed(newest)["left"] == "2.1"
    # A name of ours, or one that nobody has pinned, is asked for by nobody.
    package("services/py/api", "tiny-cor")
    with pytest.raises(UsageError, match="tiny-cor: not pinned; run make lock"):
        clean("services/py/api", versions="newest").install()


@pytest.mark.slow
def test_pins_for_a_gpu_are_there_or_told_to_be_missing(
    root: Path,
    package: MakePackage,
    wheel: MakeWheel,
    clean: MakeClean,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wheel("left", "1.0+cpu")
    wheel("left", "1.0+cuda")
    write({"constraints.txt": "left==1.0+cpu\n"})
    package("shared/py/core", gpu=["left"])
    (build,) = (root.parent / "wheels").glob("left-1.0+cuda-*")
    digest = hashlib.sha256(build.read_bytes()).hexdigest()
    table = '[tool.monorepo.indexes.cuda]\nurl = "https://packages.example.com/simple"\n'
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    write({"pyproject.toml": f'{text}{table}names = ["left"]\nextra = "gpu"\n'})
    with pytest.raises(UsageError, match=r"^tools/gpu\.txt: is missing; run make lock$"):
        clean("shared/py/core", "gpu", versions="gpu").install()
    write({gpu.PINS: f"left==1.0+cuda --hash=sha256:{digest}\n".replace(" ", " \\\n    ")})
    # vendor/wheels has what `make install` needs, which is another build.
    monkeypatch.setenv("OFFLINE", "1")
    with pytest.raises(UsageError, match=r"^OFFLINE: make vendor takes nothing for a GPU along; "):
        clean("shared/py/core", "gpu", versions="gpu").install()
    monkeypatch.delenv("OFFLINE")
    write({"pyproject.toml": text})
    environment = clean("shared/py/core", "gpu", versions="gpu")
    environment.install()
    assert installed(environment)["left"] == "1.0+cuda"
    # What is there needs no network.
    monkeypatch.setenv("OFFLINE", "1")
    assert not environment.install()
