"""Sub-templates, from which new packages are made; see tools/README.md of a repository.

`make lock-check` renders those of whichever branch is checked out, so they are data: their
expressions run in Jinja's sandbox, and nothing of theirs is imported.

The post-generation hook of the template runs this, so it needs the standard library and
cookiecutter, nothing else.
"""

import fnmatch
import os
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from monorepo.core import naming
from monorepo.core.languages import Language
from monorepo.core.workspace import Workspace
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.templating.template import ENGINE

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

# Ours, each with the file that a repository has if it has such packages; and where the team's are.
_OURS = {
    "shared-py": Language.PYTHON.fragment,
    "services-py": "tools/make/services-py.mk",
    "py-service-runtime": "tools/make/services-py.mk",
    "shared-js": Language.JAVASCRIPT.fragment,
    "services-js": "tools/make/services-js.mk",
    "js-service-runtime": "tools/make/services-js.mk",
}
OURS = ENGINE / "sub_templates"
TEAMS = "tools/templates"
QUESTIONS = "cookiecutter.json"

Ask = Callable[[str, Any, Mapping[str, Any]], Any]

# Packages that must exist, a port from here on, files outside the package that may be touched; and
# of cookiecutter's own keys, patterns of the files that are no templates.
PRIVATE = {"_requires": dict, "_port": int, "_touches": list, "_copy_without_render": list}
TOUCHES = "touches"
# Keys of cookiecutter's that would import modules, or set up Jinja.
REFUSED = ("_extensions", "_jinja2_env_vars")

PACKAGE = "{{cookiecutter.name}}"


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
    """Return the names of all sub-templates: ours that go with the repository, and the team's.

    Raises:
        UsageError: the engine runs from its wheel, in which ours are no files.
    """
    if not OURS.is_dir():
        raise UsageError(".venv: does not have the engine yet; run make setup")
    ours = [name for name, needed in _OURS.items() if (root / needed).exists()]
    own = [file.parent.name for file in root.glob(f"{TEAMS}/*/{QUESTIONS}")]
    return sorted({*ours, *own})


def folder(root: Path, template: str) -> Path:
    """Return where a sub-template is: what the team has takes the place of ours."""
    own = root / TEAMS / template
    return own if template not in _OURS or os.path.lexists(own) else OURS / template


def shown(source: Path, path: str = "") -> str:
    """Return the path of a sub-template, or of a file in it, for people."""
    own = source.parent != OURS
    return os.path.join(source.relative_to(source.parents[1 + own]), path).rstrip("/")


def place(root: Path, template: str, lock: str, message: str) -> tuple[str, str]:
    """Return where to say that a sub-template and a lock differ, and the message.

    That is the team's own sub-template; ours is no file of the repository, so it is the lock.
    """
    source = folder(root, template)
    if source.parent == OURS:
        return lock, f"sub-template {template}: {message}"
    return shown(source), message


def read(root: Path, template: str) -> dict[str, Any]:
    """Return the questions and the private keys of a sub-template.

    Raises:
        UsageError: there is no such sub-template, or it is broken.
    """
    known = every(root)
    if naming.problem(template) or template not in known:
        there = ", ".join(known)
        raise UsageError(f"TEMPLATE={naming.show(template)}: is not here; there are {there}")
    source = folder(root, template)
    file = shown(source, QUESTIONS)
    try:
        questions = dict(text_files.json_object(_read(source, QUESTIONS)))
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
        wrong += [f"{path!r}" for path in questions.get("_touches", []) if not _inside(path)]
        wrong += [
            f"{template!r}"
            for template in questions.get("_requires", {}).values()
            if type(template) is not str
        ]
    if wrong:
        raise UsageError(f"{file}: {', '.join(wrong)} is not as it has to be; fix the file")
    if refused := [key for key in REFUSED if key in questions]:
        raise UsageError(f"{file}: {', '.join(refused)} cannot be set here; remove the key")
    return questions


def _asked(key: str) -> bool:
    """Return whether `key` is a question; the others are settings."""
    return not key.startswith("_")


def _inside(path: object) -> bool:
    """Return whether `path` is a relative path that stays below where it starts."""
    if not isinstance(path, str):
        return False
    parts = PurePosixPath(path).parts
    inside = bool(parts) and not path.startswith("/") and ".." not in parts
    return inside and not any(character in path for character in "\\\0")


def facts(space: Workspace, path: str) -> dict[str, Any]:
    """Return what a sub-template is told about the package to be made at `path`."""
    namespace = str(space.facts["namespace"])
    distribution = naming.distribution(namespace, path)
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "namespace": namespace,
        "distribution": distribution,
        "import_name": distribution.replace("-", "_"),
        "npm_name": f"@{namespace}/{distribution.removeprefix(namespace)[1:]}",
        "license": space.facts["license"],
        "author_name": space.facts["author-name"],
        "author_email": space.facts["author-email"],
        "python": space.facts["python"],
        "dependencies": [],
    }


def answer(
    source: Path,
    questions: Mapping[str, Any],
    told: Mapping[str, Any],
    given: Mapping[str, str],
    ask: Ask | None = None,
) -> dict[str, Any]:
    """Return the answers to a sub-template's questions: those given, asked for, or the defaults.

    Values are data: neither `told` nor `given` are evaluated as templates. Defaults are.

    Args:
        source: where it is, for the errors.
        questions: what it asks.
        told: what it knows about the package.
        given: what was answered already.
        ask: asks one question on a terminal; without it, defaults do.

    Raises:
        UsageError: an answer to no question, or one that is not among the choices.
    """
    context = _context(questions, told)
    environment = _environment()
    file = f"{shown(source, QUESTIONS)}: "
    asked = [key for key in questions if _asked(key)]
    known = ", ".join(asked) or "nothing"
    mistakes = [
        f"SET={key}: is not a question of {source.name}; it asks for {known}" for key in given
    ]
    mistakes = [line for key, line in zip(given, mistakes, strict=True) if key not in asked]
    answers: dict[str, Any] = {}
    for key in asked:
        default = value = questions[key]
        if isinstance(default, str):
            value = _evaluated(environment, default, context, file + key)
        if key in given:
            value = _given(key, default, given[key], mistakes)
        elif ask:
            text = ask(key, value, questions.get("__prompts__", {}))
            value = _given(key, default, text, mistakes)
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
    if any("\ud800" <= character <= "\udfff" for character in text):
        mistakes.append(f"SET={key}: is not UTF-8; fix the text")
    elif isinstance(default, bool) and text not in ("yes", "no"):
        mistakes.append(f"SET={key}: {naming.show(text)} is neither yes nor no; choose one")
    elif isinstance(default, list) and text not in default:
        choices = ", ".join(map(str, default))
        mistakes.append(f"SET={key}: {naming.show(text)} is not one of {choices}; choose one")
    return text == "yes" if isinstance(default, bool) else text


def _context(questions: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the templates of a sub-template know before its questions are answered."""
    settings = {key: value for key, value in questions.items() if not _asked(key)}
    return {**told, **settings}


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
    from jinja2 import FileSystemLoader

    package = source / PACKAGE
    context = {**_context(questions, told), **answers}
    environment = _environment()
    environment.loader = FileSystemLoader(package)
    target.mkdir(parents=True)
    for entry in sorted(package.rglob("*")):
        name = str(entry.relative_to(package))
        place = shown(source, f"{PACKAGE}/{name}")
        path = _evaluated(environment, name, context, place)
        if not _inside(path) or entry.is_symlink():
            raise UsageError(f"{place}: would leave the package; correct the sub-template")
        made = target / path
        made.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_dir():
            made.mkdir(exist_ok=True)
            continue
        content = entry.read_bytes()
        if not _is_copied(name, questions):
            content = _made_of(environment, content, context, place)
        made.write_bytes(content)
        shutil.copymode(entry, made)


def _is_copied(name: str, questions: Mapping[str, Any]) -> bool:
    """Return whether the file `name`, or a folder that it is in, is to be copied as it is."""
    paths = (name, *map(str, PurePosixPath(name).parents))
    patterns = map(str, questions.get("_copy_without_render", ()))
    return any(fnmatch.filter(paths, pattern) for pattern in patterns)


def _made_of(
    environment: "SandboxedEnvironment", content: bytes, context: Mapping[str, Any], place: str
) -> bytes:
    """Return what a file becomes: it is rendered, unless it is no text."""
    try:
        text = text_files.decode(content, mark=False)
    except MalformedError:
        return content
    rendered = _evaluated(environment, text, context, place)
    # Jinja makes one kind of line break of all.
    return (rendered.replace("\n", "\r\n") if "\r\n" in text else rendered).encode()


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
    return _text(source, f"{PACKAGE}/{name}", {**_context(questions, told), **answers})


def fragments(
    source: Path, questions: Mapping[str, Any], told: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield what the package adds at the end of files outside: the path, and the text.

    The text knows nothing of answers: so it can be found again when the package is removed.

    Raises:
        UsageError: a text is missing or broken.
    """
    context = _context(questions, told)
    for path in questions.get("_touches", []):
        yield path, _text(source, f"{TOUCHES}/{path}", context).rstrip("\n") + "\n"


def _text(source: Path, path: str, context: Mapping[str, Any]) -> str:
    """Render one file of the sub-template at `source`."""
    return _evaluated(_environment(), _read(source, path), context, shown(source, path))


def _read(source: Path, path: str) -> str:
    """Return the text of a file of the sub-template at `source`."""
    place = shown(source, path)
    return text_files.read(Path(str(source / path).removesuffix(place)), place)


def _environment() -> "SandboxedEnvironment":
    """Return what renders: cookiecutter's filters and ours, and no way out of the data."""
    # Imported here because it takes longer than everything else that a command does.
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    theirs = ("Jsonify", "RandomString", "Slugify", "Time", "UUID")
    extensions = [f"cookiecutter.extensions.{name}Extension" for name in theirs]
    return SandboxedEnvironment(
        extensions=[*extensions, "monorepo.templating.jinja_filters.Escapes"],
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _evaluated(
    environment: "SandboxedEnvironment", text: str, context: Mapping[str, Any], place: str
) -> str:
    """Return what a template says.

    Args:
        environment: what renders.
        text: the template.
        context: what it knows.
        place: where it stands, for the error.

    Raises:
        UsageError: it is broken; the line is told.
    """
    try:
        rendered_text = environment.from_string(text).render(cookiecutter=context)
        # It may be half of a character.
        rendered_text.encode()
        return rendered_text
    # An expression may raise anything: 1/0 is one.
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        # Jinja gives the code of a template its lines; those of one that it could not compile, the
        # error has.
        lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        where = f"{place}:{line}" if "\n" in text else place
        raise UsageError(f"{where}: {reason}; correct the sub-template") from error
