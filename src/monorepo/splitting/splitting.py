"""What a split is: a module, the package that it is in, and the one that it becomes."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monorepo.core.languages import Kind
from monorepo.core.workspace import Package

# The module of a service that Make starts.
ENTRY = "main"
VERSION = 1


class Use(NamedTuple):
    """Where a file imports something of another package: the line, and the names.

    `first` is the module of the package that the names are in, where it can be split off; else "".
    """

    file: str
    line: int
    names: tuple[str, ...]
    first: str = ""


class Look(NamedTuple):
    """What people have to look at: a file, mostly with the line, and what is there."""

    place: str
    message: str

    def __str__(self) -> str:
        """Return it as a line."""
        return f"look at {self.place}: {self.message}"


@dataclass(frozen=True)
class Split:
    """A module that becomes a package.

    Attributes:
        package: the package that it is in.
        module: its name there: `audio`, or `a.b`.
        paths: its folder, or its files.
        at: the path of the new package.
        name: the name of that, as manifests have it.
        import_name: the name by which that is imported.
    """

    package: Package
    module: str
    paths: tuple[str, ...]
    at: str
    name: str
    import_name: str

    @property
    def is_folder(self) -> bool:
        """Whether the module is a folder."""
        return (self.package.root / self.paths[0]).is_dir()

    @property
    def source(self) -> str:
        """The folder in which the sources of the new package are."""
        end = f"/{self.import_name}" if self.package.is_python else ""
        return f"{self.at}/src{end}"

    @property
    def init(self) -> str:
        """The file that is the module itself, by its old path."""
        index = "__init__.py" if self.package.is_python else "index.ts"
        return f"{self.paths[0]}/{index}" if self.is_folder else self.paths[0]

    def path(self, path: str) -> str:
        """Return the new path of a file or folder; that of what is not in the module stays."""
        if not self.is_folder and path in self.paths:
            index = "__init__" if self.package.is_python else "index"
            return f"{self.source}/{index}.{path.rpartition('.')[2]}"
        if self.is_folder and f"{path}/".startswith(f"{self.paths[0]}/"):
            return self.source + path.removeprefix(self.paths[0])
        return path


@dataclass
class Plan:
    """What changes in the files of a repository.

    Attributes:
        moved: the new path of each file that goes, by its old one.
        texts: the new texts, by the old path.
        made: changes to files of the new package that the sub-template makes, by their path.
        told: what people have to look at.
        needs_old: where the module imports from the rest of the package.
        imports: the modules that each package imports, by its path and whether in its sources; and
            whether it cannot do without.
    """

    moved: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    made: dict[str, Callable[[str], str]] = field(default_factory=dict)
    told: list[Look] = field(default_factory=list)
    needs_old: list[Use] = field(default_factory=list)
    imports: dict[tuple[str, bool], dict[str, bool]] = field(default_factory=dict)

    def text(self, file: str, texts: Mapping[str, str]) -> str:
        """Return the text of a file, by its old path."""
        return self.texts.get(file, texts[file])


def cycle(split: Split, module: str, back: Iterable[Use], ahead: Iterable[Use]) -> Iterator[str]:
    """Yield why two packages would need each other, at each import, and what to do.

    Args:
        split: what goes where.
        module: the name of the module, as people write it.
        back: where it imports from the rest of the package.
        ahead: where the rest imports it.
    """
    package, ahead = split.package, [*ahead]
    for use in back:
        names = ", ".join(use.names)
        what = f"{use.file}:{use.line}: imports {names}, which stays in {package.path}"
        if package.is_shared:
            fix = f"move {names} into {module}, or into a package of its own, first"
            yield f"{what}; {fix}"
        else:
            first = f"{package.path}/src/{use.first.replace('.', '/')}"
            # One that imports this one has to wait for it.
            waits = any(one.file.startswith((f"{first}/", f"{first}.")) for one in ahead)
            fix = f"split {use.first} off first, or " if use.first and not waits else ""
            kind = f"{'an' if package.kind is Kind.APP else 'a'} {package.kind.singular}"
            yield f"{what}, and nothing may need {kind}; {fix}move {names} into {module}"
    for use in ahead:
        what = f"stays and imports {', '.join(use.names)}, so that each would need the other"
        fix = f"; or have it do without {module}" if package.is_shared else ""
        yield f"{use.file}:{use.line}: {what}{fix}"


@dataclass
class Result:
    """What was changed for a split, or would be.

    Attributes:
        split: what went where.
        moved: the new path of each file that goes, by its old one.
        changed: the files that follow.
        look: what people have to look at.
        notes: what they have to know.
        diff: with a dry run, the changes as git has them.
    """

    split: Split
    moved: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    look: list[Look] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diff: Sequence[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The same for people, in lines."""
        split = self.split
        told = [*map(str, self.look), *self.notes]
        if self.diff is not None:
            moves = [f"{path} -> {split.path(path)}" for path in split.paths]
            return [*moves, *told, *self.diff]
        return [
            f"split {split.module} off {split.package.path}: {split.at}, "
            f"with changes to {len(self.changed)} files",
            *told,
            "git commit keeps it; git status shows what was staged",
            "Next: make lock, then make check",
        ]

    @property
    def json(self) -> str:
        """The same for programs; `changes` is null without a dry run."""
        whole = {
            "schema_version": VERSION,
            "source": self.split.package.path,
            "module": self.split.module,
            "package": self.split.at,
            "name": self.split.name,
            "import": self.split.import_name,
            "moved": self.moved,
            "changed": self.changed,
            "look": [{"place": one.place, "message": one.message} for one in self.look],
            "notes": self.notes,
            "changes": self.diff,
        }
        return json.dumps(whole, indent=2)
