"""Offline, nothing but what is vendored is used, or its absence is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.programs import pnpm, uv_settings, vendored
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("yes", True), ("No", False), ("0", False), ("", False)]
)
def test_a_switch_that_is_off_is_off(
    monkeypatch: pytest.MonkeyPatch, value: str, offline: bool
) -> None:
    monkeypatch.setenv("OFFLINE", value)
    assert vendored.is_offline() == offline


@pytest.fixture
def offline(root: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have an index in all settings, and wheels that are vendored."""
    monkeypatch.delenv("UV_NO_CONFIG", raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_CONCURRENT_BUILDS", "1")
    monkeypatch.setenv("OFFLINE", "1")
    write({"uv.toml": 'cache-dir = "x"\nindex-url = "http://127.0.0.1:9"\nfind-links = ["y"]\n'})
    (root / vendored.WHEELS).mkdir(parents=True)
    return root


def test_uv_knows_no_index(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with uv_settings.variables(offline) as env:
        text = Path(env["UV_CONFIG_FILE"]).read_text(encoding="utf-8")
        assert "127.0.0.1" not in text + str(env)
        assert "no-index = true" in text
        assert f'find-links = ["{offline}/vendor/wheels"]' in text.replace("\\u00fc", "ü")
        assert (env["UV_CONCURRENT_BUILDS"], 'cache-dir = "x"' in text) == ("1", True)
    monkeypatch.setenv("OFFLINE", "0")
    with uv_settings.variables(offline) as env:
        assert env["UV_DEFAULT_INDEX"] == "http://127.0.0.1:9"
        assert "no-index" not in Path(env["UV_CONFIG_FILE"]).read_text(encoding="utf-8")


def test_nothing_vendored_is_told(offline: Path) -> None:
    (offline / vendored.WHEELS).rmdir()
    told = r"OFFLINE: vendor/wheels: is not there; run make vendor where there is a network"
    with pytest.raises(UsageError, match=told), uv_settings.variables(offline):
        pass


def test_pnpm_itself_is_taken_from_there_and_verified(
    javascript: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    wanted = {"@pnpm/exe.x": pnpm.Pin("12.0.1", {})}
    with pytest.raises(UsageError, match=r"OFFLINE: vendor/pnpm/pnpm-exe\.x-12\.0\.1\.tgz: is not"):
        pnpm.fetch(javascript, wanted, tmp_path)
    write({"vendor/pnpm/pnpm-exe.x-12.0.1.tgz": "good"})
    file = tmp_path / "pnpm-exe.x-12.0.1.tgz"
    assert pnpm.fetch(javascript, wanted, tmp_path) == {"@pnpm/exe.x": file}
    assert file.read_text(encoding="utf-8") == "good"
    pinned = pnpm.Pin("12.0.1", {"@pnpm/exe.x": f"sha512-{'A' * 86}=="})
    with pytest.raises(TaskError, match=r"12\.0\.1 than the one pinned"):
        pnpm.fetch(javascript, {"@pnpm/exe.x": pinned}, tmp_path)


def test_pnpm_takes_packages_from_its_vendored_store(
    javascript: Path, pnpm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from monorepo.programs.pnpm import environment

    pnpm("#!/bin/sh\n")
    assert "pnpm_config_offline" not in environment(javascript, "pnpm", javascript)
    monkeypatch.setenv("OFFLINE", "1")
    with pytest.raises(UsageError, match="OFFLINE: vendor/store: is not there"):
        environment(javascript, "pnpm", javascript)
    (javascript / vendored.STORE).mkdir(parents=True)
    env = environment(javascript, "pnpm", javascript)
    assert env["pnpm_config_offline"] == "true"
    assert env["pnpm_config_store_dir"] == str(javascript / vendored.STORE)
