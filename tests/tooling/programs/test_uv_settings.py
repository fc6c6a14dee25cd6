"""Of a user's settings of uv, those of the indexes and the network count, and no others."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.programs import uv_settings
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]


@pytest.fixture
def home(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have no settings, and a folder for the user's own."""
    assert root.exists()
    folder = tmp_path / "home/uv"
    folder.mkdir(parents=True)
    for name in ("UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    return folder


def test_only_sources_count_and_the_nearest_first(root: Path, write: Write, home: Path) -> None:
    user = 'index-url = "https://user/simple"\nextra-index-url = ["https://more/simple"]\n'
    shape = "generate-hashes = true\nno-deps = true\ntarget = '/x'\nemit-index-url = true\n"
    (home / "uv.toml").write_text(
        f'{user}offline = false\nresolution = "lowest"\n[pip]\n{shape}no-index = true\n', "utf-8"
    )
    above = '[[index]]\nname = "ours"\nurl = "./simple ü"\ndefault = true\n'
    (root.parent / "uv.toml").write_text(f'{above}exclude-newer = "2020-01-01"\n', "utf-8")
    write({"uv.toml": 'find-links = ["wheels", "https://x"]\nextra-index-url = ["https://mine"]\n'})
    assert uv_settings.settings(root) == {
        "find-links": [f"{root}/wheels", "https://x"],
        "extra-index-url": ["https://mine", "https://more/simple"],
        "index-url": "https://user/simple",
        "offline": False,
        "pip": {"no-index": True},
    }
    (root / "uv.toml").unlink()
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f"{facts}[tool.ruff]\n"})
    (index,) = uv_settings.settings(root)["index"]
    assert index == {"name": "ours", "url": f"{root.parent}/simple ü", "default": True}
    with uv_settings.variables(root) as env:
        told = tomllib.loads(Path(env["UV_CONFIG_FILE"]).read_text(encoding="utf-8"))
    assert told == uv_settings.settings(root)
    assert not Path(env["UV_CONFIG_FILE"]).exists()
    write({"pyproject.toml": f'{facts}[tool.uv.pip]\nindex-url = "https://here"\nno-deps = true\n'})
    assert uv_settings.settings(root)["pip"] == {"index-url": "https://here", "no-index": True}


def test_one_file_or_none_can_be_asked_for(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "uv.toml").write_text('index-url = "https://user"\n', "utf-8")
    other = home / "other.toml"
    other.write_text('index-url = "https://other"\n', "utf-8")
    monkeypatch.setenv("UV_CONFIG_FILE", str(other))
    assert uv_settings.settings(root) == {"index-url": "https://other"}
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    assert uv_settings.settings(root) == {}


def test_a_malformed_file_is_named(root: Path, home: Path) -> None:
    (home / "uv.toml").write_text("index-url = \n", "utf-8")
    with pytest.raises(UsageError, match=r"uv/uv.toml: cannot be read \(.*\); correct it"):
        uv_settings.settings(root)


def test_variables(root: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.exists()
    kept = {"UV_DEFAULT_INDEX": "https://x", "UV_INDEX_OURS_PASSWORD": "p", "HTTPS_PROXY": "y"}
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    dropped = (
        "UV_TARGET",
        "UV_NO_DEPS",
        "UV_NO_VERIFY_HASHES",
        "UV_EXCLUDE_NEWER",
        "UV_CONSTRAINT",
    )
    for name in (*dropped, "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "1")
    with uv_settings.variables(root) as env:
        assert kept.items() <= env.items()
        assert not {*dropped, "PYTHONPATH", "VIRTUAL_ENV"} & env.keys()
        # A silent index is given up, unless the user has more patience.
        assert env["UV_HTTP_TIMEOUT"] == "15"
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "300")
    with uv_settings.variables(root) as env:
        assert env["UV_HTTP_TIMEOUT"] == "300"
