"""Sub-templates, from which new packages are made; see tools/README.md of a repository.

`make lock-check` renders those of whichever branch is checked out, so they are untrusted: their
expressions run in Jinja's sandbox, and none of their code is imported.

The post-generation hook of the template runs this module, so it imports only the standard library
and cookiecutter.
"""

import fnmatch
import os
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from monorepo.core import naming
from monorepo.core.languages import Kind, Language
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.templating.template import ENGINE

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_SERVICES_PY = Kind.SERVICE.fragment(Language.PYTHON)
_SERVICES_JS = Kind.SERVICE.fragment(Language.JAVASCRIPT)
# The built-in sub-templates, each with files that a repository has if it supports such packages.
_OURS = {
    "deps": [Language.PYTHON.fragment],
    "shared-py": [Language.PYTHON.fragment],
    "services-py": [_SERVICES_PY],
    "configured-services-py": [_SERVICES_PY],
    "py-notes": [_SERVICES_PY],
    "py-service-runtime": [_SERVICES_PY],
    "apps-py": [Kind.APP.fragment(Language.PYTHON)],
    "shared-js": [Language.JAVASCRIPT.fragment],
    "services-js": [_SERVICES_JS],
    "configured-services-js": [_SERVICES_JS],
    "js-service-runtime": [_SERVICES_JS],
    "js-notes": [_SERVICES_JS],
    "apps-js": [Kind.APP.fragment(Language.JAVASCRIPT)],
    "openapi-client": [Language.JAVASCRIPT.fragment, _SERVICES_PY],
}
# What the names of those begin with that a repository has if its packages have manifests in EDN.
CONFIGURED = "configured-"
OURS = ENGINE / "sub_templates"
TEAMS = "tools/templates"
QUESTIONS = "cookiecutter.json"

Ask = Callable[[str, Any, Mapping[str, Any]], Any]

# Settings: required packages, what is part of the example, what only repositories with manifests in
# EDN get, the first port to try, files outside the package that are extended; and the key of
# cookiecutter for files that are copied unrendered.
PRIVATE = {
    "_requires": dict,
    "_example": dict,
    "_manifests": list,
    "_port": int,
    "_touches": list,
    "_copy_without_render": list,
}
TOUCHES = "touches"
# The variable that tells whether a package has its example, and how a record says that it has not.
EXAMPLE = "example"
# How a record says that the code of a package is not that of its sub-template. No question can be
# called so.
CODE = "_code"
# Keys of cookiecutter that would import modules or configure Jinja.
REFUSED = ("_extensions", "_jinja2_env_vars")

PACKAGE = "{{cookiecutter.name}}"


def kind(root: Path, path: str, *, example: bool = False) -> str:
    """Return the default sub-template for a package at `path`.

    The one that another sub-template, or with `example` the example of one, requires there,
    otherwise the one of the area: `shared-py` for `shared/py/audio`.
    """
    for template in every(root):
        if wanted := required(read(root, template), example=example).get(path):
            return wanted
    return path.rpartition("/")[0].replace("/", "-")


def required(questions: Mapping[str, Any], *, example: bool) -> dict[str, str]:
    """Return the packages that a sub-template requires, each with its sub-template, by path.

    Args:
        questions: of the sub-template, as `read` returns them.
        example: whether the package is made with its example.
    """
    for_example = questions.get("_example", {}).get("requires", {}) if example else {}
    return {**questions.get("_requires", {}), **for_example}


def every(root: Path) -> list[str]:
    """Return the names of all sub-templates: built-in ones for this repository, and the team's.

    Raises:
        UsageError: the engine runs from its wheel, in which sub-templates are not files.
    """
    if not OURS.is_dir():
        raise UsageError(".venv: does not have the engine yet; run make setup")
    ours = [name for name, needed in _OURS.items() if all((root / one).exists() for one in needed)]
    if not _uses_manifests(root):
        ours = [name for name in ours if not name.startswith(CONFIGURED)]
    own = [file.parent.name for file in root.glob(f"{TEAMS}/*/{QUESTIONS}")]
    return sorted({*ours, *own})


def _uses_manifests(root: Path) -> bool:
    """Return whether packages of the repository at `root` have manifests in EDN."""
    try:
        manifest = text_files.toml(text_files.read(root, ROOT_MANIFEST))
    except (MalformedError, UsageError):
        return False
    facts = manifest.get("tool", {}).get("monorepo", {})
    return Workspace(root, facts, {}).uses_manifests


def folder(root: Path, template: str) -> Path:
    """Return the folder of a sub-template; the team's own overrides a built-in one."""
    own = root / TEAMS / template
    return own if template not in _OURS or os.path.lexists(own) else OURS / template


def language(root: Path, template: str) -> Language:
    """Return the language of the packages that a sub-template makes: its manifest tells.

    Raises:
        UsageError: there is no such sub-template.
    """
    source = folder(root, template)
    if not source.is_dir():
        read(root, template)
    javascript = source / PACKAGE / Language.JAVASCRIPT.manifest
    return Language.JAVASCRIPT if javascript.exists() else Language.PYTHON


def shown(source: Path, path: str = "") -> str:
    """Return the path of a sub-template, or of a file in it, for messages."""
    own = source.parent != OURS
    return os.path.join(source.relative_to(source.parents[1 + own]), path).rstrip("/")


def place(root: Path, template: str, lock: str, message: str) -> tuple[str, str]:
    """Return path and message of an error about a sub-template and a lock that differ.

    The path is that of the team's own sub-template. A built-in one is not in the repository, so it
    is then the lock.
    """
    source = folder(root, template)
    if source.parent == OURS:
        return lock, f"sub-template {template}: {message}"
    return shown(source), message


def read(root: Path, template: str) -> dict[str, Any]:
    """Return the questions and settings of a sub-template.

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
        wrong += _wrong_in_example(questions.get("_example", {}))
    if not wrong:
        paths = [*questions.get("_touches", []), *questions.get("_manifests", [])]
        wrong += [f"{path!r}" for path in paths if not _inside(path)]
        wrong += [
            f"{template!r}"
            for template in required(questions, example=True).values()
            if type(template) is not str
        ]
    if wrong:
        raise UsageError(f"{file}: {', '.join(wrong)} has the wrong type; fix the file")
    if "_example" in questions and EXAMPLE in questions:
        raise UsageError(f"{file}: {EXAMPLE}: is what _example is about; rename the question")
    for key, names in _parts(questions).items():
        if missing := [name for name in names if not os.path.lexists(source / PACKAGE / name)]:
            raise UsageError(f"{file}: {key}: has no file {', '.join(missing)}; fix the file")
    if refused := [key for key in REFUSED if key in questions]:
        raise UsageError(f"{file}: {', '.join(refused)} cannot be set here; remove the key")
    return questions


def _parts(questions: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the files and folders that not each package gets, by the setting."""
    example = questions.get("_example", {}).get("files", [])
    return {"_example": example, "_manifests": questions.get("_manifests", [])}


def _wrong_in_example(example: Mapping[str, Any]) -> list[str]:
    """Return what has the wrong type in the setting `_example`."""
    sorts = {"files": list, "requires": dict}
    wrong = [
        f"_example: {key}"
        for key, value in example.items()
        if not isinstance(value, sorts.get(key, ()))
    ]
    names = () if wrong else example.get("files", ())
    return wrong + [f"_example: {name!r}" for name in names if not _inside(name)]


def _asked(key: str) -> bool:
    """Return whether `key` is a question; the others are settings."""
    return not key.startswith("_")


def _inside(path: object) -> bool:
    """Return whether `path` is relative and stays inside its folder."""
    if not isinstance(path, str):
        return False
    parts = PurePosixPath(path).parts
    inside = bool(parts) and not path.startswith("/") and ".." not in parts
    return inside and not any(character in path for character in "\\\0")


def facts(space: Workspace, path: str) -> dict[str, Any]:
    """Return the values about the package at `path` that templates can use."""
    namespace = str(space.facts["namespace"])
    services = [other for other in space.packages.values() if other.is_service]
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
        "manifests": space.uses_manifests,
        "services_here": sorted({other.short_name for other in services}),
        "python_services": sorted(other.path for other in services if other.is_python),
    }


@dataclass(frozen=True)
class SubTemplate:
    """A sub-template for one package.

    Attributes:
        folder: the folder of the sub-template.
        questions: its questions and settings.
        facts: the values about the package that its templates can use.
        example: whether the package is made with its example.
    """

    folder: Path
    questions: Mapping[str, Any]
    facts: Mapping[str, Any]
    example: bool = True

    def answer(self, given: Mapping[str, str], ask: Ask | None = None) -> dict[str, Any]:
        """Return the answers to all questions: given, asked on a terminal, or defaults.

        Defaults are evaluated as templates; facts and given answers are data.

        Args:
            given: answers that are already known.
            ask: asks one question on a terminal; without it, defaults are used.

        Raises:
            UsageError: there is no such question, or an answer is not among the choices.
        """
        context = self._context(example=self.example)
        environment = _environment()
        file = f"{shown(self.folder, QUESTIONS)}: "
        asked = [key for key in self.questions if _asked(key)]
        known = ", ".join(asked) or "nothing"
        mistakes = [
            f"SET={key}: is not a question of {self.folder.name}; it asks for {known}"
            for key in given
            if key not in asked
        ]
        answers: dict[str, Any] = {}
        for key in asked:
            default = value = self.questions[key]
            if isinstance(default, str):
                value = _evaluated(environment, default, context, file + key)
            if key in given:
                value = _given(key, default, given[key], mistakes)
            elif ask:
                text = ask(key, value, self.questions.get("__prompts__", {}))
                value = _given(key, default, text, mistakes)
            elif isinstance(value, list):
                value = value[0]
            answers[key] = context[key] = value
        if mistakes:
            raise UsageError(*mistakes)
        return answers

    def render(self, target: Path, answers: Mapping[str, Any]) -> None:
        """Render the package into the new folder `target`.

        Raises:
            UsageError: the sub-template is broken, or would write outside the package.
        """
        from jinja2 import FileSystemLoader

        package = self.folder / PACKAGE
        context = {**self._context(example=self.example), **answers}
        environment = _environment()
        environment.loader = FileSystemLoader(package)
        target.mkdir(parents=True)
        for entry in sorted(package.rglob("*")):
            name = str(entry.relative_to(package))
            if self._is_left_out(name):
                continue
            place = shown(self.folder, f"{PACKAGE}/{name}")
            path = _evaluated(environment, name, context, place)
            if not _inside(path) or entry.is_symlink():
                raise UsageError(f"{place}: would leave the package; correct the sub-template")
            made = target / path
            if entry.is_dir():
                # Others are made for their files, which may all be left out.
                if not any(entry.iterdir()):
                    made.mkdir(parents=True, exist_ok=True)
                continue
            made.parent.mkdir(parents=True, exist_ok=True)
            content = entry.read_bytes()
            if not self._is_copied(name):
                content = _rendered(environment, content, context, place)
            made.write_bytes(content)
            shutil.copymode(entry, made)

    def text(self, name: str, answers: Mapping[str, Any]) -> str:
        """Return the text of one file of the package that `render` would write.

        Raises:
            UsageError: it is missing or broken.
        """
        context = {**self._context(example=self.example), **answers}
        return self._text(f"{PACKAGE}/{name}", context)

    def fragments(self) -> dict[str, str]:
        """Return the texts that the package appends to files outside of it, by path.

        They do not depend on answers, nor on the example, so that they can be found again when the
        package is removed.

        Raises:
            UsageError: a text is missing or broken.
        """
        context = self._context()
        return {
            path: self._text(f"{TOUCHES}/{path}", context).rstrip("\n") + "\n"
            for path in self.questions.get("_touches", [])
        }

    def _context(self, **more: bool) -> dict[str, Any]:
        """Return the variables that its templates can use before questions are answered."""
        settings = {key: value for key, value in self.questions.items() if not _asked(key)}
        return {**self.facts, **settings, **more}

    def _is_left_out(self, name: str) -> bool:
        """Return whether this package does not get the file `name`."""
        parts = _parts(self.questions)
        files = [] if self.example else [*parts["_example"]]
        files += [] if self.facts["manifests"] else parts["_manifests"]
        return not {name, *map(str, PurePosixPath(name).parents)}.isdisjoint(files)

    def _is_copied(self, name: str) -> bool:
        """Return whether the file `name` is copied without rendering."""
        paths = (name, *map(str, PurePosixPath(name).parents))
        patterns = map(str, self.questions.get("_copy_without_render", ()))
        return any(fnmatch.filter(paths, pattern) for pattern in patterns)

    def _text(self, path: str, context: Mapping[str, Any]) -> str:
        """Render one file of the sub-template."""
        text = _read(self.folder, path)
        return _evaluated(_environment(), text, context, shown(self.folder, path))


def load(
    space: Workspace,
    template: str,
    path: str,
    *,
    example: bool = True,
    **more: Any,  # noqa: ANN401
) -> SubTemplate:
    """Return a sub-template for the package at `path`.

    Args:
        space: the repository.
        template: the name of the sub-template.
        path: the path of the package.
        example: whether it gets its example, if that kind has one.
        more: further facts, such as `port` and `dependencies`.

    Raises:
        UsageError: there is no such sub-template, or it is broken.
    """
    questions = read(space.root, template)
    told = {**facts(space, path), **more}
    return SubTemplate(
        folder(space.root, template), questions, told, example or "_example" not in questions
    )


def ask(key: str, value: Any, prompts: Mapping[str, Any]) -> str:  # noqa: ANN401
    """Ask one question on a terminal; return the answer in the syntax of SET."""
    from cookiecutter.prompt import read_user_choice, read_user_variable, read_user_yes_no

    if isinstance(value, bool):
        return "yes" if read_user_yes_no(key, value, prompts) else "no"
    read = read_user_choice if isinstance(value, list) else read_user_variable
    return str(read(key, value, prompts))


def _given(key: str, default: object, text: str, mistakes: list[str]) -> object:
    """Parse an answer; add to `mistakes` if it is not valid."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        mistakes.append(f"SET={key}: is not UTF-8; fix the text")
    elif isinstance(default, bool) and text not in ("yes", "no"):
        mistakes.append(f"SET={key}: {naming.show(text)} is neither yes nor no; choose one")
    elif isinstance(default, list) and text not in default:
        choices = ", ".join(map(str, default))
        mistakes.append(f"SET={key}: {naming.show(text)} is not one of {choices}; choose one")
    return text == "yes" if isinstance(default, bool) else text


def _rendered(
    environment: "SandboxedEnvironment", content: bytes, context: Mapping[str, Any], place: str
) -> bytes:
    """Render the content of a file; binary files stay as they are."""
    try:
        text = text_files.decode(content, mark=False)
    except MalformedError:
        return content
    rendered = _evaluated(environment, text, context, place)
    # Jinja normalizes line breaks.
    return (rendered.replace("\n", "\r\n") if "\r\n" in text else rendered).encode()


def _read(source: Path, path: str) -> str:
    """Return the text of a file of the sub-template at `source`."""
    place = shown(source, path)
    return text_files.read(Path(str(source / path).removesuffix(place)), place)


def _environment() -> "SandboxedEnvironment":
    """Return a sandboxed Jinja environment with the filters of cookiecutter and ours."""
    # Imported here, because loading Jinja takes longer than most commands.
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
    """Render a template.

    Args:
        environment: the Jinja environment.
        text: the template.
        context: its variables.
        place: its path, for the error.

    Raises:
        UsageError: it is broken; the message has the line.
    """
    try:
        result = environment.from_string(text).render(cookiecutter=context)
        # It may contain an unpaired surrogate.
        result.encode()
        return result
    # An expression may raise anything: 1/0 is one.
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        # The frames of a compiled template have its line numbers; a syntax error has its own.
        lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        where = f"{place}:{line}" if "\n" in text else place
        raise UsageError(f"{where}: {reason}; correct the sub-template") from error
