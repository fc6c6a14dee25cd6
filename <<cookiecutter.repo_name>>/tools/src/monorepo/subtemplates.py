"""Sub-templates: what new packages are made from. templates/README.md tells how to write one.

The post-generation hook of the template runs this, so it needs the standard library and
cookiecutter, nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from monorepo import names, texts
from monorepo.errors import UsageError
from monorepo.texts import MalformedError

Ask = Callable[[str, Any, Mapping[str, Any]], Any]

# cookiecutter's own keys, and ours: packages that must exist, a port from here on, files outside
# the package that may be touched.
PRIVATE = {"_requires": dict, "_port": int, "_touches": list}
TOUCHES = "touches"

_PACKAGE = "{{cookiecutter.name}}"
_MARKUP = ("{{", "{%", "{#")
_ENVIRONMENT = {
    "_extensions": ["monorepo.escapes.Escapes"],
    "_jinja2_env_vars": {"trim_blocks": True, "lstrip_blocks": True},
}


def kind(root: Path, path: str) -> str:
    """Return the sub-template for a package at `path`.

    One that another sub-template requires there, or else the one that the folder tells:
    `shared-py` for `shared/py/audio`.
    """
    for template in every(root):
        if wanted := read(root, template).get("_requires", {}).get(path):
            return str(wanted)
    return path.rpartition("/")[0].replace("/", "-")


def every(root: Path) -> list[str]:
    """Return the names of all sub-templates."""
    return sorted(file.parent.name for file in root.glob("templates/*/cookiecutter.json"))


def read(root: Path, template: str) -> dict[str, Any]:
    """Return the questions and the private keys of a sub-template.

    Raises:
        UsageError: there is no such sub-template, or it is broken.
    """
    source = root / "templates" / template / "cookiecutter.json"
    if names.problem(template) or not source.is_file():
        known = ", ".join(every(root))
        raise UsageError(f"TEMPLATE={names.show(template)}: is not here; there are {known}")
    file = f"templates/{template}/cookiecutter.json"
    try:
        questions = dict(texts.json_object(texts.read(root, file)))
    except MalformedError as error:
        raise error.of(file) from error
    wrong = [
        key for key, sort in PRIVATE.items() if not isinstance(questions.get(key, sort()), sort)
    ]
    wrong += [
        key
        for key, default in questions.items()
        if _asked(key) and (isinstance(default, dict) or default == [])
    ]
    if not wrong:
        wrong += [f"{one!r}" for one in questions.get("_touches", []) if not _inside(one)]
        wrong += [
            f"{one!r}" for one in questions.get("_requires", {}).values() if type(one) is not str
        ]
    if wrong:
        raise UsageError(f"{file}: {', '.join(wrong)} is not as it has to be; mend the file")
    return questions


def _asked(key: str) -> bool:
    """Tell whether `key` is a question; the others are settings."""
    return not key.startswith("_")


def _inside(path: object) -> bool:
    """Tell whether `path` is a relative path that stays below where it starts."""
    if not isinstance(path, str):
        return False
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path


def answer(
    template: str,
    questions: Mapping[str, Any],
    told: Mapping[str, Any],
    given: Mapping[str, str],
    ask: Ask | None = None,
) -> dict[str, Any]:
    """Return the answers to a sub-template's questions: those given, asked for, or the defaults.

    Values are data: neither `told` nor `given` are evaluated as templates. Defaults are.

    Args:
        template: its name, for the errors.
        questions: what it asks.
        told: what it knows about the package.
        given: what was answered already.
        ask: asks one question on a terminal; without it, defaults do.

    Raises:
        UsageError: an answer to no question, or one that is not among the choices.
    """
    from cookiecutter.prompt import render_variable
    from cookiecutter.utils import create_env_with_context
    from jinja2 import TemplateError

    context = _context(questions, told)
    environment = create_env_with_context({"cookiecutter": context})
    asked = [key for key in questions if _asked(key)]
    known = ", ".join(asked) or "nothing"
    mistakes = [f"SET={key}: is no question of {template}; it asks for {known}" for key in given]
    mistakes = [line for key, line in zip(given, mistakes, strict=True) if key not in asked]
    answers: dict[str, Any] = {}
    for key in asked:
        default = value = questions[key]
        try:
            if isinstance(default, str):
                value = render_variable(environment, default, context)
        except TemplateError as error:
            file = f"templates/{template}/cookiecutter.json"
            raise UsageError(f"{file}: {key}: {error}; mend the file") from error
        if key in given:
            value = _given(key, default, given[key], mistakes)
        elif ask:
            said = ask(key, value, questions.get("__prompts__", {}))
            value = _given(key, default, said, mistakes)
        elif isinstance(value, list):
            value = value[0]
        answers[key] = context[key] = value
    if mistakes:
        raise UsageError(*mistakes)
    return answers


def ask(key: str, value: Any, prompts: Mapping[str, Any]) -> str:  # noqa: ANN401
    """Ask one question on a terminal; return the answer as SET would have it."""
    from cookiecutter.prompt import read_user_choice, read_user_variable, read_user_yes_no

    if isinstance(value, bool):
        return "yes" if read_user_yes_no(key, value, prompts) else "no"
    read = read_user_choice if isinstance(value, list) else read_user_variable
    return str(read(key, value, prompts))


def _given(key: str, default: object, text: str, mistakes: list[str]) -> object:
    """Return the answer that `text` is; note in `mistakes` why it is none."""
    if any("\ud800" <= one <= "\udfff" for one in text):
        mistakes.append(f"SET={key}: is not UTF-8; mend the text")
    elif isinstance(default, bool) and text not in ("yes", "no"):
        mistakes.append(f"SET={key}: {names.show(text)} is neither yes nor no; choose one")
    elif isinstance(default, list) and text not in default:
        choices = ", ".join(map(str, default))
        mistakes.append(f"SET={key}: {names.show(text)} is not one of {choices}; choose one")
    return text == "yes" if isinstance(default, bool) else text


def _context(questions: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the templates of a sub-template know before its questions are answered."""
    settings = {key: value for key, value in questions.items() if not _asked(key)}
    return {**_ENVIRONMENT, **told, **settings}


def render(
    source: Path,
    target: Path,
    told: Mapping[str, Any],
    questions: Mapping[str, Any],
    answers: Mapping[str, Any],
) -> None:
    """Render the sub-template at `source` to the folder `target`.

    Raises:
        UsageError: the sub-template is broken, or would write outside its package.
    """
    # Imported here because it takes longer than everything else that a command does.
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_files
    from cookiecutter.utils import create_env_with_context
    from jinja2 import TemplateError

    # cookiecutter evaluates the folder's own path, too.
    if any(mark in str(target.absolute()) for mark in _MARKUP):
        raise UsageError(f"{target}: has template markup in its path; move the repository")
    context = {**_context(questions, told), **answers}
    environment = create_env_with_context({"cookiecutter": context})
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        for entry in (source / _PACKAGE).rglob("*"):
            name = str(entry.relative_to(source / _PACKAGE))
            path = environment.from_string(name).render(cookiecutter=context)
            if not _inside(path) or entry.is_symlink():
                raise UsageError(f"{source}: {name} would leave the package; mend the sub-template")
        generate_files(source, {"cookiecutter": context}, target.parent, accept_hooks=False)
    except (CookiecutterException, TemplateError) as error:
        reason = str(error).splitlines()[0].partition(" Context: ")[0]
        raise UsageError(f"{source}: {reason}; mend the sub-template") from error


def rendered(
    source: Path,
    name: str,
    told: Mapping[str, Any],
    questions: Mapping[str, Any],
    answers: Mapping[str, Any],
) -> str:
    """Return the text of one file of the package that `render` would make.

    Raises:
        UsageError: it is missing or broken.
    """
    return _text(source / _PACKAGE / name, {**_context(questions, told), **answers})


def fragments(
    source: Path, questions: Mapping[str, Any], told: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield what the package adds at the end of files outside: the path, and the text.

    The text knows nothing of answers: so it can be found again when the package is removed.

    Raises:
        UsageError: a text is missing or broken.
    """
    for path in questions.get("_touches", []):
        yield path, _text(source / TOUCHES / path, _context(questions, told)).rstrip("\n") + "\n"


def _text(file: Path, context: Mapping[str, Any]) -> str:
    """Render one file."""
    from cookiecutter.utils import create_env_with_context
    from jinja2 import TemplateError

    environment = create_env_with_context({"cookiecutter": context})
    try:
        text = file.read_text(encoding="utf-8")
        return str(environment.from_string(text).render(cookiecutter=context))
    except (OSError, ValueError, TemplateError) as error:
        raise UsageError(f"{file}: {error}; mend the sub-template") from error
