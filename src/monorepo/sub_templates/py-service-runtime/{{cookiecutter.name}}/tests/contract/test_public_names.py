"""What services rely on. A failure here means that they have to change as well."""

import subprocess
import sys
from typing import get_type_hints

from fastapi import FastAPI

import {{ cookiecutter.import_name }} as package
from {{ cookiecutter.import_name }} import Settings
from {{ cookiecutter.import_name }} import fastapi as web

WITHOUT_THE_EXTRA = """
import sys
sys.modules["fastapi"] = sys.modules["uvicorn"] = None
from {{ cookiecutter.import_name }} import Settings, configure_logging
configure_logging(Settings.from_environment("api", environment={}).log_level)
try:
    import {{ cookiecutter.import_name }}.fastapi
except ImportError as error:
    sys.exit(str(error))
"""


def test_public_names() -> None:
    assert sorted(package.__all__) == [
        "JsonFormatter",
        "Settings",
        "SettingsError",
        "configure_logging",
    ]


def test_an_application_is_made_from_settings_and_served_with_them() -> None:
    assert get_type_hints(web.create_app) == {"settings": Settings, "return": FastAPI}
    assert get_type_hints(web.serve) == {
        "app": FastAPI,
        "settings": Settings,
        "return": type(None),
    }


def test_without_the_extra_the_error_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_THE_EXTRA], capture_output=True, text=True)

    assert done.returncode == 1
    assert '"{{ cookiecutter.distribution }}[fastapi]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
