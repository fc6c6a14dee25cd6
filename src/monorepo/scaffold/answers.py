"""Validate the answers to the template's questions."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from monorepo.core import naming
from monorepo.templating import template

TEMPLATE: dict[str, Any] = json.loads(
    (template.TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8")
)
QUESTIONS = {key: default for key, default in TEMPLATE.items() if not key.startswith("_")}
FREE_TEXT = ("project_name", "description", "author_name")

# RFC 5322, 3.2.3: a dot-atom on both sides; the readers of PEP 621 metadata accept these.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def mistakes(answers: Mapping[str, str]) -> list[str]:
    """Return all mistakes in `answers`, a line each."""
    unknown = [key for key in answers if key not in QUESTIONS]
    found = [f"{naming.show(key)}: is not a question; leave it out" for key in unknown]
    for key in QUESTIONS:
        found += problems(key, answers)
    return found


def problems(key: str, answers: Mapping[str, str]) -> list[str]:
    """Return the mistakes in the answer to `key`, given the answers before it, a line each."""
    value = answers[key]
    if key == "packages":
        return _package_problems(value.split(), answers["namespace"])
    if isinstance(QUESTIONS[key], list):
        choices = ", ".join(QUESTIONS[key])
        wrong = None if value in QUESTIONS[key] else f"is not one of {choices}; choose one"
    elif key in FREE_TEXT:
        wrong = _text_problem(value)
    elif key == "author_email":
        wrong = None if not value or _EMAIL.fullmatch(value) else "is not an e-mail address; fix it"
    else:
        wrong = naming.problem(value)
    return [f"{key}: {naming.show(value)} {wrong}"] if wrong else []


def _text_problem(text: str) -> str | None:
    """Return why a free text cannot be written to all files that contain it, or None."""
    if not text.strip():
        return "is empty; write a few words"
    # Unicode's control characters and surrogates: TOML and YAML refuse both.
    if any(
        unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r"
        for character in text
    ):
        return "has control characters; leave them out"
    return None


def _package_problems(paths: list[str], namespace: str) -> list[str]:
    """Return the mistakes in the list of packages, a line each."""
    if not paths:
        return ["packages: is empty; name at least one, such as shared/py/core"]
    found = []
    for position, path in enumerate(paths):
        wrong = naming.path_problem(path, namespace)
        if wrong is None and (twin := naming.clash(path, paths[:position])):
            wrong = f"is the same name as {twin}; name it once"
        if wrong:
            found.append(f"packages: {naming.show(path)} {wrong}")
    return found
