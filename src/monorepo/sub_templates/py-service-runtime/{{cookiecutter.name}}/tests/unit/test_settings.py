import os
import sys
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from {{ cookiecutter.import_name }} import Address, Settings, SettingsError


class ShopSettings(Settings):
    database_url: str = Field(description="where the | database is")
    api_key: SecretStr
    web_url: Address = Field(
        default="http://127.0.0.1:8001", description="where services/js/web is"
    )
    tags: list[str] = Field(default=[])
    limits: dict[str, int] = Field(default={})


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*Settings.model_fields, *ShopSettings.model_fields]:
        monkeypatch.delenv(name.upper(), raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_defaults() -> None:
    settings = Settings.from_environment("api", port=8123)

    assert settings == Settings(name="api", host="127.0.0.1", port=8123, log_level="INFO")


def test_an_empty_variable_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, HOST="", PORT="", LOG_LEVEL="", WORKERS="", DOCS="")

    assert Settings.from_environment("api") == Settings(name="api")


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, NAME="other", HOST="0.0.0.0", PORT="0", WORKERS="2", DOCS="true")
    given(monkeypatch, SHUTDOWN_TIMEOUT="20", SHUTDOWN_DELAY="5")

    assert Settings.from_environment("api") == Settings(
        name="api",
        host="0.0.0.0",
        port=0,
        workers=2,
        docs=True,
        shutdown_timeout=20,
        shutdown_delay=5,
    )


def test_settings_that_are_made_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, PORT="1", LOG_LEVEL="loud")

    assert Settings(name="api").port == 8000


def test_a_setting_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="prot"):
        Settings.model_validate({"name": "api", "prot": 1})


@pytest.mark.parametrize(
    ("text", "level"),
    [("debug", "DEBUG"), ("Warn", "WARNING"), ("fatal", "CRITICAL"), ("ERROR", "ERROR")],
)
def test_levels_have_any_case_and_two_more_names(
    monkeypatch: pytest.MonkeyPatch, text: str, level: str
) -> None:
    given(monkeypatch, LOG_LEVEL=text)

    assert Settings.from_environment("api").log_level == level


@pytest.mark.parametrize(
    "text", ["http", "-1", "65536", "8_000", " 80", "8.0", "\u0663", "\u00b2", "9" * 5000]
)
def test_a_bad_port_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    given(monkeypatch, PORT=text)

    with pytest.raises(SettingsError, match=r"^api: PORT: should be "):
        Settings.from_environment("api")


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_bad_number_of_workers_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    given(monkeypatch, WORKERS=text)

    with pytest.raises(SettingsError, match=r"^api: WORKERS: should be "):
        Settings.from_environment("api")


def test_every_bad_variable_has_a_line_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, HOST="hidden\n ", PORT="hidden", LOG_LEVEL="hidden", WEB_URL="hidden")
    given(monkeypatch, TAGS="[hidden", DOCS="hidden", LIMITS='{"hidden": "hidden"}')

    with pytest.raises(SettingsError) as caught:
        ShopSettings.from_environment("shop")

    message = str(caught.value)
    assert "hidden" not in message
    assert [line.split(": ")[:2] for line in message.splitlines()] == [
        ["shop", name]
        for name in (
            "HOST",
            "PORT",
            "LOG_LEVEL",
            "DOCS",
            "DATABASE_URL",
            "API_KEY",
            "WEB_URL",
            "TAGS",
            "LIMITS",
        )
    ]
    assert "shop: API_KEY: is not set" in message


def test_a_service_reads_fields_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, DATABASE_URL="sqlite://", API_KEY="hidden", TAGS='["a"]')
    given(monkeypatch, WEB_URL="https://web.example.com/")

    settings = ShopSettings.from_environment("shop")
    assert settings.api_key.get_secret_value() == "hidden"
    assert (settings.web_url, settings.tags) == ("https://web.example.com", ["a"])
    assert "hidden" not in f"{settings} {settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "text",
    [
        *("web", "ftp://web", "http://", "http://web:port", "//web"),
        *(" http://web", "http://web "),
    ],
)
def test_an_address_is_that_of_a_server(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    given(monkeypatch, WEB_URL=text)

    with pytest.raises(SettingsError, match="WEB_URL: should be an address"):
        ShopSettings.from_environment("shop")


def test_the_table_has_every_variable() -> None:
    rows = ShopSettings.table(port=8123).splitlines()

    assert [row.split("`")[1] for row in rows[2:]] == [
        name.upper() for name in ShopSettings.model_fields if name != "name"
    ]
    assert "| `PORT` | 8123 | the port to listen on; 0 is a free one |" in rows
    assert "| `DATABASE_URL` | has to be set | where the \\| database is |" in rows


def test_the_table_shows_no_default_of_a_secret() -> None:
    # Validation makes secrets of it.
    text: Any = "hidden"

    class Secrets(Settings):
        one: SecretStr = SecretStr("hidden")
        two: SecretStr | None = Field(default=text)
        three: dict[str, SecretStr] = Field(default={"a": text})
        four: SecretStr | None = None

    table = Secrets.table()
    assert "hidden" not in table
    assert table.splitlines()[-4:] == [
        "| `ONE` | not shown | |",
        "| `TWO` | not shown | |",
        "| `THREE` | not shown | |",
        "| `FOUR` | | |",
    ]


def test_the_option_prints_the_table_and_reads_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, PORT="bad")
    monkeypatch.setattr(sys, "argv", ["main.py", "--settings"])

    with pytest.raises(SystemExit) as caught:
        ShopSettings.from_environment("shop", port=8123)
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{ShopSettings.table(port=8123)}{os.linesep}"


def test_the_version_is_that_of_the_distribution() -> None:
    assert Settings(name="{{ cookiecutter.distribution }}").version == "0.1.0"
    assert Settings(name="{{ cookiecutter.distribution }}-that-is-not-there").version == "0"
