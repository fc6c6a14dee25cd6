"""The questions: few, in words, each with a use."""

import json
import re

from monorepo.scaffold import answers
from monorepo.templating.template import CACHES
from tests.template.baking import TEMPLATE, TREE

SETTINGS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))


def used() -> set[str]:
    """Return the keys that the template and its hooks use."""
    found: set[str] = set()
    sources = [path for path in TREE.rglob("*") if path.relative_to(TREE).parts[0] != "tools"]
    sources += [*TEMPLATE.glob("hooks/*.py"), TEMPLATE / "cookiecutter.json"]
    for source in sources:
        if source.is_file() and not CACHES & set(source.parts):
            text = source.read_text(encoding="utf-8")
            found |= set(re.findall(r"\bcookiecutter\.(\w+)(?!\w|\()", text))
            found |= set(re.findall(r'(?:answers|ANSWERS|context)\["(\w+)"\]', text))
    found |= set(re.findall(r"cookiecutter\.(\w+)", TREE.name))
    return found


def test_there_are_at_most_eleven_and_each_has_a_prompt() -> None:
    assert len(answers.QUESTIONS) <= 11
    assert list(SETTINGS["__prompts__"]) == list(answers.QUESTIONS)
    for prompt in SETTINGS["__prompts__"].values():
        sentence = prompt["__prompt__"] if isinstance(prompt, dict) else prompt
        assert sentence[0].isupper() and "?" in sentence


def test_each_choice_has_its_words() -> None:
    for key, choices in answers.QUESTIONS.items():
        if isinstance(choices, list):
            assert list(SETTINGS["__prompts__"][key]) == ["__prompt__", *choices]


def test_every_question_is_used_and_every_used_key_is_asked() -> None:
    known = {key for key in SETTINGS if not key.startswith("_")}
    derived = {key for key in SETTINGS if key.startswith("__")} - {"__prompts__"}
    words = {"repo_name", "json", "cli", "config", "exceptions", "generate", "prompt", "utils"}
    assert known <= used()
    assert used() - known - derived <= words
