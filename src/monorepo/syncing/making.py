"""What a manifest makes: the texts of the files of which it decides a part."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.core.workspace import ADD, ROOT_MANIFEST, Package, Workspace
from monorepo.syncing import node_package, python_project
from monorepo.syncing.asked import Asked, Place
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

if TYPE_CHECKING:
    from monorepo.edn.reader import Document

PACKAGE, SERVICE = "package.edn", "service.edn"
MANIFESTS = (PACKAGE, SERVICE)
# What the runtime in each language is called, after its area or the namespace.
RUNTIME = "service"
# How the first line of a pyproject.toml starts, and the comment of a package.json.
_MARK = "`make sync` writes here what "
_PARTS = {
    Language.PYTHON: "name, version, description, requires-python, dependencies, extras, groups"
    " and entry points",
    Language.JAVASCRIPT: "name, version, description, engines, exports and dependencies",
}


class Source(NamedTuple):
    """A manifest: the path of its package, which has a language, and the name of its file."""

    package: str
    name: str
    language: Language

    @property
    def path(self) -> str:
        """The path of the manifest."""
        return f"{self.package}/{self.name}"

    @property
    def output(self) -> str:
        """The path of the file that the tools of the language read."""
        return f"{self.package}/{self.language.manifest}"


class Made(NamedTuple):
    """What a manifest makes.

    `texts` are those of files, by path, `name` is that of the package, `asked` what it asks of the
    repository, and `inputs` are the other files that all this depends on.
    """

    texts: Mapping[str, str]
    name: str
    asked: Sequence[Asked]
    inputs: Sequence[str] = ()


class Files:
    """The contents of files, each read once."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self.root = root
        self._start = f"{root}/"
        self._contents: dict[str, bytes | None] = {}

    def content(self, path: str) -> bytes | None:
        """Return the content of a file; None if there is none that can be read."""
        if path not in self._contents:
            self._contents[path] = _regular(self._start + path)
        return self._contents[path]

    def text(self, path: str) -> str:
        """Return the text of a file, with Unix line breaks.

        Raises:
            UsageError: it cannot be read.
        """
        content = self.content(path)
        if content is None:
            content = text_files.content(self.root, path)
        try:
            text = text_files.decode(content)
        except MalformedError as error:
            raise error.of(path) from error
        return text.replace("\r\n", "\n") if text_files.has_crlf(content) else text

    def digest(self, paths: Iterable[str]) -> str:
        """Return a hash of the contents of files, some of which may not exist."""
        whole = hashlib.blake2b(digest_size=16)
        for path in paths:
            content = self.content(path)
            whole.update(b"-" if content is None else b"%d " % len(content) + content)
        return whole.hexdigest()


def _regular(place: str) -> bytes | None:
    """Return the content of a file; None if there is none that can be read.

    A link may lead to a device, which never ends, or to a pipe, which nobody writes to. With a
    thousand packages, other ways to read take as long as all the rest.
    """
    with contextlib.suppress(OSError):
        file = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            state = os.fstat(file)
            return os.read(file, state.st_size + 1) if stat.S_ISREG(state.st_mode) else None
        finally:
            os.close(file)
    return None


class Maker:
    """Makes what manifests say, from the files of a repository."""

    def __init__(self, files: Files) -> None:
        """Make nothing yet; the repository is read when it is needed."""
        self._files = files
        # Each wrong manifest is read once, however much is wrong.
        self._documents: dict[Source, Document] = {}

    @cached_property
    def space(self) -> Workspace:
        """The repository."""
        return workspace.load(self._files.root)

    def make(self, source: Source) -> Made:
        """Return what a manifest makes.

        Raises:
            UsageError: it, or a file of which it decides a part, has mistakes.
        """
        if not os.path.lexists(self._files.root / source.output):
            fix = f"begin with make new AT={source.package}, or restore it from git"
            raise UsageError(f"{source.output}: is missing beside {source.name}; {fix}")
        try:
            return self._service(source) if source.name == SERVICE else self._package(source)
        except ModuleNotFoundError as error:
            # What reads manifests is a program of the repository.
            message = f"{error.name}, which reads {source.name}, is not installed"
            raise UsageError(f"{ROOT_MANIFEST}: {message}; {ADD}") from error

    def _package(self, source: Source) -> Made:
        # Imported here: pydantic is loaded only for manifests that have changed.
        from monorepo.edn.package_manifest import PythonPackage, read_package

        manifest = read_package(self._files.text(source.path), source.path)
        self._hold_language(source, ("lang",), manifest.lang)
        if isinstance(manifest, PythonPackage):
            text = self._project(source, python_project.wanted(manifest))
            asked = [*python_project.asked(manifest)]
        else:
            text = self._package_json(source, node_package.wanted(manifest))
            asked = [*node_package.asked(manifest)]
        return Made({source.output: text}, manifest.name, asked)

    def _service(self, source: Source) -> Made:
        from monorepo.edn import reader
        from monorepo.edn.service_manifest import read_service
        from monorepo.handlers import check
        from monorepo.syncing import service_config

        written = self._files.text(source.path)
        manifest = read_service(written, source.path)
        self._hold_language(source, ("runtime", "lang"), manifest.runtime.lang)
        (package,) = self.space.select([source.package])
        if not package.is_service:
            what = f"is about services, and {source.package} is none"
            raise UsageError(f"{source.path}: {what}; write a {PACKAGE}")
        needed = service_config.dependencies(self.space, package, manifest)
        if package.is_python:
            text = self._project(source, {"project": {"dependencies": needed}})
        else:
            text = self._package_json(source, {"dependencies": needed})
        path = service_config.path(package, manifest)
        texts = {source.output: text, path: service_config.text(package, manifest)}
        asked = [*service_config.asked(manifest, needed)]
        checked = check.check(self.space, package, manifest, reader.read(written))
        if checked.mistakes:
            raise reader.EdnError(checked.mistakes).of(source.path)
        # The names in manifests say whose a handler is.
        owners = map(self.space.owner, checked.inputs)
        manifests = {owner.manifest_path for owner in owners if owner}
        inputs = [path, ROOT_MANIFEST, *checked.inputs, *sorted(manifests)]
        return Made(texts, package.name, asked, inputs)

    def _hold_language(self, source: Source, place: Place, lang: str) -> None:
        """Refuse a manifest in another language than its package."""
        if (lang == "python") is not (source.language is Language.PYTHON):
            message = f"is not the language of {source.package}"
            raise self.wrong(source, place, message, "correct it, or move the package")

    def wrong(self, source: Source, place: Place, message: str, fix: str) -> UsageError:
        """Return the error of what stands at a place in a manifest."""
        from monorepo.edn import reader

        if source not in self._documents:
            self._documents[source] = reader.read(self._files.text(source.path))
        line, column = self._documents[source].position(place)
        return UsageError(f"{source.path}:{line}:{column}: {message}; {fix}")

    def _project(self, source: Source, wanted: Mapping[str, Any]) -> str:
        """Return the text of a pyproject.toml with what a manifest decides of it.

        Raises:
            UsageError: the file cannot be read, or not be changed in part; or the build backend
                makes the same value, or there is no version.
        """
        path, project = source.output, wanted["project"]
        text = self._files.text(path)
        try:
            written = python_project.write(text, wanted)
            dynamic = python_project.dynamic(text)
        except MalformedError as error:
            raise error.of(path) from error
        for key, value in project.items():
            if value and key in dynamic:
                message = f"is dynamic in {path}"
                raise self.wrong(source, (f"package/{key}",), message, "remove one of them")
        if "version" in project and not project["version"] and "version" not in dynamic:
            fix = 'write one, such as "0.1.0"'
            raise self.wrong(source, (), "has no :package/version", fix)
        return marked(source, written)

    def _package_json(self, source: Source, wanted: Mapping[str, Any]) -> str:
        """Return the text of a package.json with what a manifest decides of it.

        Raises:
            UsageError: the file cannot be read.
        """
        text = self._files.text(source.output)
        try:
            return marked(source, node_package.write(text, wanted))
        except MalformedError as error:
            raise error.of(source.output) from error


def marked(source: Source, text: str) -> str:
    """Return the text of a pyproject.toml or package.json that says what comes from a manifest.

    Raises:
        MalformedError: it is not a JSON object.
    """
    if source.language is Language.JAVASCRIPT:
        return node_package.write(text, {node_package.COMMENT: _mark(source)})
    first, _, rest = text.partition("\n")
    return f"# {_mark(source)}\n" + (rest if first.startswith(f"# {_MARK}") else f"\n{text}")


def is_marked(package: Package, text: str) -> bool:
    """Return whether the manifest of a package says that a part of it comes from elsewhere.

    Args:
        package: the package.
        text: the text of its manifest.
    """
    if package.is_javascript:
        return str(package.manifest.get(node_package.COMMENT)).startswith(_MARK)
    return text.startswith(f"# {_MARK}")


def _mark(source: Source) -> str:
    """Return what a file says of the part that comes from a manifest."""
    told = _PARTS[source.language] if source.name == PACKAGE else "dependencies"
    return f"{_MARK}{source.name} says: {told}."
