import pytest

from {{ cookiecutter.import_name }} import Settings, SettingsError


def test_defaults() -> None:
    settings = Settings.from_environment("api", port=8123, environment={})

    assert settings == Settings(name="api", host="127.0.0.1", port=8123, log_level="INFO")


def test_an_empty_variable_has_its_default() -> None:
    environment = {"HOST": "", "PORT": "", "LOG_LEVEL": "", "WEB_CONCURRENCY": ""}

    assert Settings.from_environment("api", environment=environment) == Settings(name="api")


def test_the_environment_wins() -> None:
    environment = {"HOST": "0.0.0.0", "PORT": "0", "LOG_LEVEL": "debug", "WEB_CONCURRENCY": "2"}
    settings = Settings.from_environment("api", environment=environment)

    assert settings == Settings(name="api", host="0.0.0.0", port=0, log_level="DEBUG", workers=2)


@pytest.mark.parametrize(
    "text", ["http", "-1", "65536", "8_000", " 80", "8.0", "\u0663", "\u00b2", "9" * 5000]
)
def test_a_bad_port_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PORT must be a number"):
        Settings.from_environment("api", environment={"PORT": text})


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_bad_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="WEB_CONCURRENCY must be a number"):
        Settings.from_environment("api", environment={"WEB_CONCURRENCY": text})


def test_one_line_names_all_bad_variables() -> None:
    environment = {
        "HOST": "local\nhost ",
        "PORT": "http\n",
        "LOG_LEVEL": "loud",
        "WEB_CONCURRENCY": "x",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment("api", environment=environment)

    message = str(caught.value)
    assert message.startswith("api: ")
    assert message.isprintable()
    assert all(name in message for name in environment)
