"""pip downloads what is pinned, from where the user's settings say, and into no other folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import hashes
from monorepo.programs import pip
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import CommandError

Wheel = Callable[..., None]
HOSTILE = {
    "PIP_CONSTRAINT": "gone.txt",
    "PIP_DEST": "elsewhere",
    "PIP_NO_DEPS": "0",
    "PIP_NO_BINARY": ":all:",
    "PIP_REQUIREMENT": "gone.txt",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "elsewhere",
    "PIP_USER": "1",
    "PYTHONPATH": "elsewhere",
}


@pytest.fixture
def pin(root: Path, wheels: Path, wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have wheels where pip looks for them; return the pin of one, with its hash."""
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", **HOSTILE}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    wheel("left", "1.0", "right")
    recorded = hashes.parse((root / "tools/hashes.txt").read_text(encoding="utf-8"))
    return hashes.lines("left==1.0", recorded["left==1.0"])


def download(root: Path, lines: str, folder: Path) -> None:
    pip.download(sys.executable, root, lines, folder, "download")


def test_exactly_the_pinned_wheel_is_downloaded(root: Path, pin: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    download(root, pin, folder)
    assert os.listdir(folder) == ["left-1.0-py3-none-any.whl"]
    assert not (root / "elsewhere").exists()


def test_another_hash_is_an_error(root: Path, pin: str, wheels: Path, tmp_path: Path) -> None:
    (wheels / "left-1.0-py3-none-any.whl").write_bytes(b"evil")
    with pytest.raises(CommandError) as caught:
        download(root, pin, tmp_path / "folder")
    assert "DO NOT MATCH THE HASHES" in caught.value.output
    assert not (tmp_path / "folder").exists() or not os.listdir(tmp_path / "folder")


def test_offline_wheels_come_from_what_is_vendored(
    root: Path, pin: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"OFFLINE: vendor/wheels: is not there; run make vendor"):
        download(root, pin, tmp_path / "folder")
    (root / "vendor").mkdir()
    wheels.rename(root / "vendor/wheels")
    download(root, pin, tmp_path / "folder")
    assert os.listdir(tmp_path / "folder") == ["left-1.0-py3-none-any.whl"]
