"""Create a new monorepo: ask, validate, render in a staging folder, rename.

cookiecutter evaluates answers as templates before a hook could refuse them. Here its prompts and
options only collect the answers; they are validated first, and then rendered as data.
"""

import contextlib
import logging
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from cookiecutter.cli import main as cookiecutter
from cookiecutter.config import get_user_config
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.generate import generate_files
from cookiecutter.prompt import read_user_variable, render_variable
from cookiecutter.utils import create_env_with_context
from jinja2 import TemplateError

from monorepo.scaffold import answers, completion
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held
from monorepo.templating import template

STAGE = ".monorepo-new-"
_FILTERS = "monorepo.templating.jinja_filters.TemplateEscapes"
OPTIONS = ("template", "extra_context", "no_input", "config_file", "default_config")


def create(out: Path, words: Sequence[str], *, example: bool = True) -> int:
    """Create a monorepo in `out` and print the next steps; return the exit code.

    Args:
        out: a folder.
        words: cookiecutter's own options and `question=answer` pairs.
        example: whether the first packages get their example.

    Raises:
        UsageError: options or answers are not valid.
        OSError: something cannot be written.
    """
    # cookiecutter logs a traceback before it raises the error that is reported below.
    logging.getLogger("cookiecutter").addHandler(logging.NullHandler())
    logging.getLogger("cookiecutter").propagate = False
    try:
        if mistakes := template.line_endings():
            raise UsageError(*mistakes)
        if out.is_dir():
            tidy(out)
        target = make(out, collect(words, out), example=example)
    except (CookiecutterException, TemplateError) as error:
        print(f"monorepo: the template is broken: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(f"\nmonorepo: stopped, {stopped or 'nothing half-made is left'}", file=sys.stderr)
        return 130
    except EOFError:
        advice = "without a terminal, give ANSWERS=--no-input"
        print(f"\nmonorepo: stopped, nothing half-made is left; {advice}", file=sys.stderr)
        return 130
    print(
        f"\nMade {target}. Next:\n\n  cd {shlex.quote(str(target))}\n  make install\n  make check"
    )
    return 0


def collect(words: Sequence[str], out: Path) -> dict[str, Any]:
    """Return the answers and the values that the template derives from them.

    Args:
        words: cookiecutter's own options and `question=answer` pairs.
        out: the folder for the monorepo.

    Raises:
        UsageError: options or answers are not valid.
    """
    options = _options(words)
    given = dict(options["extra_context"] or {})
    preset = _preset(options)
    mistakes = _out_problems(out)
    if mistakes and not options["no_input"]:
        raise UsageError(*mistakes)
    environment = create_env_with_context(
        {"cookiecutter": {**answers.TEMPLATE, "_extensions": [_FILTERS]}}
    )
    context: dict[str, Any] = {}
    for number, (key, default) in enumerate(answers.QUESTIONS.items(), 1):
        first = default[0] if isinstance(default, list) else default
        value = render_variable(environment, first, context)
        value = given.get(key, preset.get(key, value))
        if not options["no_input"]:
            prefix = f"  [dim][{number}/{len(answers.QUESTIONS)}][/] "
            value = _ask(key, value, prefix, context, out)
        context[key] = value
    unknown = {key: "" for key in given if key not in answers.QUESTIONS}
    mistakes += answers.mistakes({**context, **unknown})
    if mistakes or (mistakes := _taken(out, context["repo_name"])):
        raise UsageError(*mistakes)
    for key, value in answers.TEMPLATE.items():
        if key.startswith("__") and isinstance(value, str):
            context[key] = render_variable(environment, value, context)
        elif key.startswith("_") and not key.startswith("__"):
            context[key] = value
    # In a checkout, bare cookiecutter imports them from a module beside the template.
    context["_extensions"] = [_FILTERS]
    return context


def _options(words: Sequence[str]) -> dict[str, Any]:
    """Read `words` as cookiecutter reads its command line."""
    try:
        command = [str(template.TEMPLATE), *words]
        parsed = cookiecutter.make_context("make new", command, help_option_names=[])
    except click.ClickException as error:
        reason = ascii(error.format_message())[1:-1]
        raise UsageError(f"ANSWERS: {reason[:150]}; see the README") from error
    except click.exceptions.Exit as error:
        raise UsageError("ANSWERS: asks for a version; leave it out") from error
    source = click.core.ParameterSource.COMMANDLINE
    others = [name for name in parsed.params if name not in OPTIONS]
    refused = [name for name in others if parsed.get_parameter_source(name) is source]
    if refused:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in refused)
        raise UsageError(f"ANSWERS: {flags} is not for make new; leave it out (OUT= is the folder)")
    return dict(parsed.params)


def _preset(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the answers in the user's cookiecutter configuration."""
    try:
        config = get_user_config(options["config_file"], options["default_config"])
        given = dict(config["default_context"] or {})
    except (CookiecutterException, TypeError, ValueError) as error:
        reason = ascii(str(error))[1:-1]
        raise UsageError(f"cookiecutter's configuration: {reason[:150]}; fix it") from error
    return {key: str(value) for key, value in given.items() if key in answers.QUESTIONS}


def _ask(key: str, default: str, prefix: str, before: Mapping[str, str], out: Path) -> str:
    """Ask one question, given the answers before it, until the answer is valid."""
    prompt, choices = answers.TEMPLATE["__prompts__"][key], answers.QUESTIONS[key]
    offered = []
    if isinstance(choices, list):
        offered = list(dict.fromkeys([default, *choices] if default in choices else choices))
        lines = [
            f"    [bold magenta]{n}[/] - {prompt[choice]}" for n, choice in enumerate(offered, 1)
        ]
        prompt = "\n".join([prompt["__prompt__"], *lines, "    A number or a name"])
        default = offered[0]
    while True:
        value = chosen(str(read_user_variable(key, default, {key: prompt}, prefix)), offered)
        wrong = answers.problems(key, {**before, key: value})
        if key == "repo_name" and not wrong:
            wrong = _taken(out, value)
        if not wrong:
            return value
        print("\n".join(f"  {line}" for line in wrong))


def chosen(word: str, offered: list[str]) -> str:
    """Return the choice of a word: a number, a name, or a unique prefix of one.

    A word that matches no choice is returned unchanged.
    """
    numbered = {str(number): name for number, name in enumerate(offered, 1)}
    if word in numbered:
        return numbered[word]
    matches = [name for name in offered if name.lower().startswith(word.lower())]
    exact = [name for name in matches if len(name) == len(word)]
    return (exact or matches)[0] if exact or len(matches) == 1 else word


def _taken(out: Path, name: str) -> list[str]:
    """Return an error if the target folder exists."""
    place = out / name
    return [f"repo_name: {place} exists already; choose another"] if os.path.lexists(place) else []


def _out_problems(out: Path) -> list[str]:
    """Return why no monorepo can be created in `out`."""
    place = os.path.abspath(out)
    if not out.is_dir():
        return [f"OUT: {place} is not a folder; create it first"]
    if any(mark in place for mark in ("<<", "<%", "<#", "{{", "{%", "{#")):
        return [f"OUT: {place} has template markup in it; choose another folder"]
    return []


def make(out: Path, context: Mapping[str, Any], *, example: bool = True) -> Path:
    """Render the monorepo into `out`, completely or not at all; return its folder.

    Args:
        out: a folder.
        context: as `collect` returns it.
        example: whether the first packages get their example.

    Raises:
        UsageError: it exists already, or its packages cannot be added.
        OSError: something cannot be written.
    """
    target, inode = Path(out, context["repo_name"]), 0
    try:
        with _stage(out) as stage:
            made = generate_files(
                template.TEMPLATE, {"cookiecutter": context}, stage, accept_hooks=False
            )
            completion.finish(Path(made), context, example=example)
            with held(out):
                if os.path.lexists(target):
                    raise UsageError(f"repo_name: {target} exists already; choose another")
                inode = os.stat(made).st_ino
                os.rename(made, target)
    except KeyboardInterrupt:
        # After the rename it is complete; the next run removes what is left of the staging folder.
        if os.path.lexists(target) and os.stat(target).st_ino == inode:
            raise KeyboardInterrupt(f"{target} is in place") from None
        raise
    return target


def tidy(out: Path) -> None:
    """Remove the staging folders of killed runs in `out`.

    A run locks its staging folder; folders in use, or of other users, are left alone.
    """
    with held(out):
        for other in out.glob(f"{STAGE}*"):
            with contextlib.suppress(OSError), held(other, wait=False):
                shutil.rmtree(other)


@contextlib.contextmanager
def _stage(out: Path) -> Iterator[Path]:
    """Yield a new staging folder in `out`, and remove it afterwards.

    The lock on `out` keeps other runs from removing it before it is locked itself.
    """
    with held(out):
        stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=out))
        ours = contextlib.ExitStack()
        ours.enter_context(held(stage))
    with ours:
        try:
            yield stage
        finally:
            # The next run removes what cannot be removed now.
            shutil.rmtree(stage, ignore_errors=True)
