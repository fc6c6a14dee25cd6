"""What it costs to bring a repository to the next version of its template, and what comes of it.

The same two versions are a template for each tool, and the same team has worked in what it made:
all that `benchmarks.situations` has and no person has to decide. The peers copy the files that ours
renders, so that they save the rendering; ours also replaces the engine and checks the locks.

`python -m benchmarks.upgrade situations` puts each situation before each tool, alone, and prints
what it has made of it, as docs/upgrade-situations.md has it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import situations
from benchmarks.measuring import Job, Lab, Row, laboratory, main
from benchmarks.situations import SITUATIONS, File, Files, Situation
from tests.template.releases import Releases, tree

OLD, NEW, NEWER = VERSIONS = ("0.3.0", "0.4.0", "0.5.0")
NAME = "acme-platform"
INTRODUCTION = """\
# What an update makes of it

Each situation alone, in a repository that was made from the template and in which the team has
worked. {tools}.

Measured: `make bench` installs the tools, and this writes the page:

```sh
PYTHONPATH=.:src .venv/bin/python -m benchmarks.upgrade situations > docs/upgrade-situations.md
```

- *merged*: the files are as they ought to be, with the edits of both sides and their modes.
- *markers*: both sides stand in the file.
- *stages*: git's index has the sides, so that tools for merging find them, and git does not commit
  before somebody decides.
- *as the team had it*, *as the template has it*: the other side's change is not in the files.
- The number is the exit code. What a tool prints was not judged.
"""


@dataclass(frozen=True)
class Tool:
    """What brings a repository to another version.

    Attributes:
        name: for people.
        root: a repository that the old version has made, with nothing else in it.
        update: returns the command that brings it to a version.
    """

    name: str
    root: Path
    update: Callable[[str], Sequence[str]]


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    clean = [one for one in SITUATIONS if one.merged is not None]
    ours, *peers = (_job(lab, tool, clean) for tool in _tools(lab))
    first, *others = lab.compare(ours, *peers)
    for name, cost in zip(("copier update", "cruft update"), others, strict=True):
        yield Row("monorepo upgrade", first, name, cost)


def _job(lab: Lab, tool: Tool, worked: Sequence[Situation]) -> Job:
    """Return the job of bringing a repository to the new version, after the team has worked."""
    start, place = lab.folder / f"{tool.name}-start", lab.folder / f"{tool.name}-measured" / NAME
    _begin(lab, tool, start, worked)

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place, symlinks=True)

    return Job(tool.update(NEW), place, prepare)


def _begin(lab: Lab, tool: Tool, root: Path, worked: Sequence[Situation]) -> None:
    """Make a copy of a tool's repository in which the team has worked."""
    shutil.copytree(tool.root, root, symlinks=True)
    for one in worked:
        situations.write(root / one.folder, one.team)
    _commit(lab, root)


def _tools(lab: Lab) -> list[Tool]:
    """Return all tools, each with a repository of the old version."""
    releases = Releases(lab.folder / "releases")
    edits = dict(zip(VERSIONS, (_old, _new, _newer), strict=True))
    wheels = {number: releases.wheel(number, edit) for number, edit in edits.items()}
    rendered = {}
    for number, wheel in wheels.items():
        out = lab.folder / f"ours-{number}"
        out.mkdir(parents=True)
        rendered[number] = releases.repository(out, wheel)
    engine = f"PYTHONPATH={releases.engine(wheels[OLD])}"
    command = ["env", engine, sys.executable, "-m", "monorepo", "upgrade", "--to"]
    ours = Tool("ours", rendered[OLD], lambda number: [*command, str(wheels[number])])
    return [ours, _copier(lab, rendered), _cruft(lab, rendered)]


def _old(checkout: Path) -> None:
    for one in SITUATIONS:
        situations.write(tree(checkout) / one.folder, one.old)


def _new(checkout: Path) -> None:
    for one in SITUATIONS:
        situations.write(tree(checkout) / one.folder, one.new)


def _newer(checkout: Path) -> None:
    _new(checkout)
    file = tree(checkout) / SITUATIONS[0].folder / "file.txt"
    file.write_text(_once_more(file.read_text("utf-8")), encoding="utf-8")


def _once_more(text: str) -> str:
    """Return the first situation's file with one more change of the template."""
    return text.replace("line 19", "line 19, newer")


def _template(lab: Lab, folder: Path, place: str, rendered: dict[str, Path]) -> None:
    """Commit and tag, for each version, what ours renders, in the folder `place` of a template."""
    _run(lab, folder, "git", "init", "--quiet")
    for number, root in rendered.items():
        shutil.rmtree(folder / place, ignore_errors=True)
        skipped = shutil.ignore_patterns(".git", "*.whl")
        shutil.copytree(root, folder / place, symlinks=True, ignore=skipped)
        if place == "template":
            answers = folder / place / "{{_copier_conf.answers_file}}.jinja"
            answers.write_text("{{ _copier_answers|to_nice_yaml }}", encoding="utf-8")
        _commit(lab, folder)
        _run(lab, folder, "git", "tag", number)


def _copier(lab: Lab, rendered: dict[str, Path]) -> Tool:
    template = lab.folder / "template-of-copier"
    template.mkdir()
    settings = {"_subdirectory": "template", "repo_name": {"type": "str", "default": NAME}}
    # JSON is YAML.
    (template / "copier.yml").write_text(json.dumps(settings), encoding="utf-8")
    _template(lab, template, "template", rendered)
    root = lab.folder / "copier" / NAME
    words = ["copier", "copy", "--defaults", "--quiet", "--vcs-ref", OLD]
    lab.run([*words, str(template), str(root)], lab.folder)
    _run(lab, root, "git", "init", "--quiet")
    _commit(lab, root)
    update = ["copier", "update", "--defaults", "--vcs-ref"]
    return Tool("copier", root, lambda number: [*update, number])


def _cruft(lab: Lab, rendered: dict[str, Path]) -> Tool:
    template = lab.folder / "template-of-cruft"
    template.mkdir()
    questions = {"repo_name": NAME, "_copy_without_render": ["*"]}
    (template / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    _template(lab, template, "{{cookiecutter.repo_name}}", rendered)
    out = lab.folder / "cruft"
    words = ["cruft", "create", "--no-input", "--default-config", "--checkout", OLD]
    lab.run([*words, "--output-dir", str(out), str(template)], lab.folder)
    _run(lab, out / NAME, "git", "init", "--quiet")
    _commit(lab, out / NAME)
    update = ["cruft", "update", "--skip-apply-ask", "--checkout"]
    return Tool("cruft", out / NAME, lambda number: [*update, number])


def _run(lab: Lab, folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=lab.env, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout


def _commit(lab: Lab, root: Path) -> None:
    # Templates hold files that they have git ignore.
    _run(lab, root, "git", "add", "--all", "--force")
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgSign=false")
    _run(lab, root, "git", *who, "commit", "--quiet", "--allow-empty", "--message", "all")


def table(lab: Lab) -> str:
    """Return what each tool makes of each situation, as Markdown."""
    tools = _tools(lab)
    peers = " and ".join(f"{name} {version(name)}" for name in ("copier", "cruft"))
    lines = [
        INTRODUCTION.format(tools=f"Beside it, {peers}"),
        "| situation | it ought to be | `make upgrade` | `copier update` | `cruft update` |",
        "|---|---|---|---|---|",
    ]
    for one in SITUATIONS:
        cells = [_outcome(lab, tool, one) for tool in tools]
        right = "for a person to decide" if one.merged is None else "merged"
        lines.append(f"| {' | '.join([one.name, right, *cells])} |")
    cells = [_squashed(lab, tool) for tool in tools]
    lines.append(f"| {' | '.join(['a second update, after a squash merge', 'merged', *cells])} |")
    return "\n".join(lines)


def _outcome(lab: Lab, tool: Tool, one: Situation) -> str:
    """Return what a tool makes of one situation."""
    root = lab.folder / f"{tool.name}-{one.key}"
    _begin(lab, tool, root, [one])
    code = _update(lab, tool, root, NEW)
    files = situations.read(root / one.folder)
    found = {path: file for path, file in files.items() if not path.endswith((".rej", ".orig"))}
    staged = bool(_run(lab, root, "git", "ls-files", "--unmerged", "--", one.folder))
    if any("<<<<<<<" in file.text for file in found.values()):
        said = "markers"
    elif found != files:
        said = "as the team had it, and a .rej"
    elif found == one.merged:
        said = "merged"
    elif found == one.team:
        said = "as the team had it" if staged else "**as the team had it**"
    elif found == one.new:
        said = "**as the template has it**"
    elif one.merged and _texts(found) == _texts(one.merged):
        said = "**merged, with another mode**"
    else:
        said = "**neither**"
    return f"{said}{', stages' if staged else ''}; {code}"


def _texts(files: Files) -> dict[str, str]:
    return {path: file.text for path, file in files.items()}


def _squashed(lab: Lab, tool: Tool) -> str:
    """Return what a tool makes of a second update, after the first one was merged as one commit."""
    first = SITUATIONS[0]
    root = lab.folder / f"{tool.name}-squashed"
    _begin(lab, tool, root, [first])
    _run(lab, root, "git", "switch", "--quiet", "--create", "update")
    _update(lab, tool, root, NEW)
    _commit(lab, root)
    _run(lab, root, "git", "switch", "--quiet", "-")
    _run(lab, root, "git", "merge", "--quiet", "--squash", "update")
    _commit(lab, root)
    _run(lab, root, "git", "branch", "--quiet", "-D", "update")
    _run(lab, root, "git", "reflog", "expire", "--expire=now", "--all")
    _run(lab, root, "git", "gc", "--quiet", "--prune=now")
    code = _update(lab, tool, root, NEWER)
    assert first.merged
    right = {path: File(_once_more(file.text)) for path, file in first.merged.items()}
    found = situations.read(root / first.folder)
    return f"{'merged' if found == right else '**not merged**'}; {code}"


def _update(lab: Lab, tool: Tool, root: Path, number: str) -> int:
    """Bring a repository to a version; return the exit code."""
    done = subprocess.run(
        tool.update(number), cwd=root, env=lab.env, capture_output=True, check=False
    )
    return done.returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["situations"]:
        with laboratory(rounds=1) as one_lab:
            print(table(one_lab))
    else:
        main(__doc__, measure)
