"""Extract the commands, links and headings of a Markdown document."""

import json
import posixpath
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# The documents at the root that every contributor reads.
ROOT = ("README.md", "AGENTS.md", "CONTRIBUTING.md")
_SHELLS = {"sh", "bash", "zsh", "shell", "console", "shell-session"}
_RUNNERS = {"bash", "python", "python3", "sh"}
_LANGUAGES = dict.fromkeys(("python", "py", "python3", "pycon"), "python")
_LANGUAGES |= dict.fromkeys(("ts", "typescript", "js", "javascript", "tsx", "jsx"), "javascript")
# A module, a name in it, or `module:name`; no file.
_DOTTED = re.compile(
    r"([A-Za-z_]\w*(?:\.\w+)*\.(?!(?:py|pyi|toml|json|ya?ml|md|txt|db|sh|cfg|ini)$)\w+)"
    r"(?::(\w+))?(?:\(.*\))?"
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
# A list item that starts with "`one`, `two`: …".
_NAMED = re.compile(r"`[^`]+`(?:(?:, | and )`[^`]+`)*:")
_COMMAND = re.compile(r"\b(cd|make|nox)\b|/| -m ")
_TELLING = ("code_inline", "image", "link_open")
_SHOWN = ("text", "code_inline")
_SCRIPT = re.compile(r"[^/].*/.*\.(sh|py)|\./.*")


class Kind(StrEnum):
    """What an element of a document is, and what its `words` are."""

    COMMAND = "command"  # the words of a command
    LINK = "link"  # the target
    ANCHOR = "anchor"  # the anchor of a heading
    RULE = "rule"  # the ids before the colon of an item under the heading Rules
    IMPORT = "import"  # the language, `python` or `javascript`, and the text


class Said(NamedTuple):
    """A command, link, anchor or rule in a document, at a line from 1."""

    kind: Kind
    line: int
    words: Sequence[str]


def read(text: str) -> list[Said]:
    """Return the elements of a document; prose is ignored."""
    references: dict[str, Any] = {}
    tokens = _blocks().parse(text, references)
    return list(_said(re.split(r"\r\n?|\n", text), tokens, json.dumps(references)))


def fences(text: str, language: str) -> list[tuple[int, str]]:
    """Return first line and content of each fenced block of a language."""
    tokens = [token for token in _blocks().parse(text) if token.info.split()[:1] == [language]]
    return [(token.map[0] + 2, token.content) for token in tokens if token.map]


@cache
def _blocks() -> "MarkdownIt":
    # Imported here, because most runs find the documents in the cache.
    from markdown_it import MarkdownIt

    return MarkdownIt().enable("table").disable("inline")


@cache
def _inline() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt()


@cache
def _inner(text: str, references: str) -> Sequence["Token"]:
    """Return the inline tokens of a paragraph; cached, because documents repeat each other."""
    return _inline().parseInline(text, json.loads(references))[0].children or []


def _said(lines: Sequence[str], tokens: Sequence["Token"], references: str) -> Iterator[Said]:
    slugs: Counter[str] = Counter()
    heading, block = "", range(0)
    for place, token in enumerate(tokens):
        # The cells of a table have no map of their own.
        block = range(*token.map) if token.map else block
        if token.type == "fence" and {*token.info.split()[:1]} & _SHELLS:
            yield from _script(block.start + 2, token.content)
        elif token.type == "fence" and (known := _LANGUAGES.get(token.info.split(" ")[0])):
            yield Said(Kind.IMPORT, block.start + 2, [known, token.content])
        elif token.type == "inline":
            inner = _inner(token.content, references)
            if tokens[place - 1].type == "heading_open":
                heading = "".join(child.content for child in inner if child.type in _SHOWN)
                # The anchor that GitHub makes of a heading.
                slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                again = f"-{slugs[slug]}" if slugs[slug] else ""
                yield Said(Kind.ANCHOR, block.start + 1, [slug + again])
                slugs[slug] += 1
            elif heading == "Rules" and tokens[place - 2].type == "list_item_open":
                if named := _NAMED.match(token.content):
                    yield Said(Kind.RULE, block.start + 1, re.findall(r"`(.+?)`", named[0]))
            for child in (child for child in inner if child.type in _TELLING):
                target = str(child.attrs.get("href") or child.attrs.get("src") or "")
                found = (at for at in block if (target or child.content) in lines[at])
                if child.type != "code_inline":
                    yield Said(Kind.LINK, next(found, block.start) + 1, [target])
                    continue
                line = next(found, block.start) + 1
                if named := _DOTTED.fullmatch(child.content):
                    yield Said(
                        Kind.IMPORT,
                        line,
                        ["python", f"import {'.'.join(filter(None, named.groups()))}"],
                    )
                for command in _commands(child.content):
                    yield from _command(line, command) if command[0] != "cd" else ()


def _command(line: int, words: Sequence[str]) -> Iterator[Said]:
    """Yield a command, and the module that it has Python run."""
    yield Said(Kind.COMMAND, line, words)
    for program, option, module in zip(words, words[1:], words[2:], strict=False):
        if option == "-m" and re.fullmatch(r"(.*/)?python[\d.]*", program):
            yield Said(Kind.IMPORT, line, ["python", f"import {module}"])


def _script(first: int, text: str) -> Iterator[Said]:
    """Yield the commands of a shell block that starts at line `first`."""
    lines = text.splitlines()
    # In a block with prompts, lines without one are output.
    prompted = any(line.startswith("$ ") for line in lines)
    command = folder = ""
    for number, line in enumerate(lines, start=first):
        if prompted and not command and not line.startswith("$ "):
            continue
        command += line.removeprefix("$ ") if not command else line
        if command.endswith("\\"):
            command = f"{command[:-1]} "
            continue
        for program, *words in _commands(command):
            inside = ["-C", folder] if program == "make" and folder else []
            yield from _command(number, [program, *inside, *words])
            if program == "cd":
                folder = posixpath.join(folder, *words[:1])
        command = ""


@cache
def _commands(text: str) -> Sequence[Sequence[str]]:
    """Return the words of each command in a line, of the kinds that can be checked here."""
    # Most inline code is not a command, and shlex is slow.
    if not _COMMAND.search(text):
        return ()
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        words = [*lexer, ";"]
    except ValueError:
        # A quotation continues on the next line.
        return ()
    found: list[list[str]] = []
    command: list[str] = []
    for word in words:
        if word.strip(";&|"):
            if command or not _ASSIGNMENT.fullmatch(word):
                command.append(word)
            continue
        if command[:1] == ["uvx"]:
            command.pop(0)
        if command and _known(command):
            found.append(command)
        command = []
    return found


def _known(words: Sequence[str]) -> bool:
    """Return whether a command is one of Make, nox, the environment, or a script by its path."""
    first = words[0]
    if first in _RUNNERS and words[1:2] != ["-m"]:
        return len(words) > 1 and bool(_SCRIPT.fullmatch(words[1]))
    known = first in ("cd", "make", "nox") or first.startswith(".venv/bin/") or "-m" in words
    return known or bool(_SCRIPT.fullmatch(first))
