"""Read the commands that install packages, in any file that can carry a command.

A file becomes lines of shell and lists of words, by its format (`_READERS`). A command is an
installer anywhere in such a line: what stands before it, `sudo`, `A=b`, `xargs`, only starts it.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import itemgetter
from typing import NamedTuple

from monorepo.parsing.data_formats import in_c
from monorepo.parsing.requirements_txt import logical, words

# What follows a verb: packages; one package and its arguments; what creates a project; the name of
# a program, or nothing; a setting.
ALL, FIRST, CREATE, NONE, SET = "all", "first", "create", "none", "set"
_PYTHON = {
    ALL: "pip install|pip download|pip wheel|pip lock|uv pip install|uv add|uv tool install"
    "|uv tool upgrade|pipx install|pipx inject|pipx upgrade|pipenv install|poetry add"
    "|poetry self add|pdm add|pdm self add|rye add|rye install|pixi add|pixi global install"
    "|conda install|conda create|conda update|mamba install|mamba create|mamba update"
    "|micromamba install|micromamba create|easy_install|hatch dep add",
    FIRST: "uvx|uv tool run|pipx run|pixi exec",
    NONE: "pip sync|pip-sync|pip-compile|uv run|uv sync|uv lock|uv pip sync|uv pip compile"
    "|uv export|uv build|poetry install|poetry lock|pdm install|pdm lock",
    SET: "pip config|poetry source|poetry config|pdm config|conda config",
}
_NODE = {
    ALL: "npm install|npm i|npm add|npm in|npm update|npm up|npm pack|pnpm install|pnpm i|pnpm add"
    "|pnpm update|pnpm up|yarn add|yarn up|yarn upgrade|yarn global add|bun add|bun a|bun install"
    "|bun i|bun update|deno add|deno install|deno i",
    FIRST: "npx|pnpx|bunx|npm exec|npm x|pnpm dlx|yarn dlx|bun x|deno run|deno x",
    CREATE: "npm create|npm init|npm innit|pnpm create|yarn create|bun create",
    NONE: "npm ci|yarn install|bun ci",
    SET: "npm config|npm set|pnpm config|pnpm set|yarn config",
}
_VERBS = {
    verb: mode
    for table in (_PYTHON, _NODE)
    for mode, verbs in table.items()
    for verb in verbs.split("|")
}
_OF_PYTHON = {verb.split()[0] for verbs in _PYTHON.values() for verb in verbs.split("|")}
_PROGRAMS = _OF_PYTHON | {verb.split()[0] for verb in _VERBS}
# The options that take a value. An unknown one takes none.
_TAKES = (
    "-r --requirement --requirements -c --constraint --constraints -b --build-constraint"
    " --build-constraints -e --editable -i --index-url --extra-index-url --index --default-index"
    " -f --find-links --trusted-host --allow-insecure-host --pypi-url -t --target --prefix --root"
    " --src -p --python --python-version --python-platform --platform --implementation --abi"
    " --no-binary --only-binary --no-binary-package --no-build-package --cache-dir --log --proxy"
    " --retries --timeout --exists-action --cert --client-cert --use-feature --upgrade-strategy"
    " -C --config-setting --config-settings --global-option --build-option --progress-bar --report"
    " --keyring-provider --index-strategy --resolution --prerelease --exclude-newer --extra -E"
    " --group -G --only-group --no-group --override --overrides --link-mode -P --upgrade-package"
    " --reinstall-package --refresh-package --config-file --directory --project --color --package"
    " --torch-backend -w --with --with-editable --with-requirements --from --env-file --optional"
    " --rev --tag --branch --script --bounds --spec --preinstall --pip-args --suffix --source -n"
    " --name -d --dest --channel"
).split()
_NODE_TAKES = (
    "-p --package -c --call -C --prefix --dir --cwd -w --workspace --filter -F --registry --tag"
    " --cache --userconfig --globalconfig --loglevel --reporter --store-dir --virtual-store-dir"
    " --allow-build --config --workspace-dir --omit --include --install-strategy"
).split()
# And letters that are flags of one program, unlike of the others.
_FLAGS = {
    **dict.fromkeys(("pdm", "rye", "pipenv"), ("-d",)),
    **dict.fromkeys(("poetry", "uv", "uvx"), ("-n",)),
    **dict.fromkeys(("conda", "mamba", "micromamba"), ("-d", "-f", "-C")),
    "pipx": ("-f",),
    "pnpm": ("-w", "-c"),
}
# The options that name packages; with one of the latter, the first word only names a program.
_NAMING = {
    "pip": ("-e", "--editable"),
    "uv": ("-e", "--editable", "-w", "--with", "--with-editable", "--from"),
    "uvx": ("-w", "--with", "--with-editable", "--from"),
    "pipx": ("-e", "--editable", "--preinstall", "--spec"),
    **dict.fromkeys(("npx", "npm", "pnpm", "pnpx", "yarn", "bun", "bunx"), ("-p", "--package")),
}
_INSTEAD = {"--from", "--spec", "-p", "--package"}
_LETTERS = re.compile(r"-[qvUIsy]*(\w)(.*)", re.DOTALL)
_PROGRAM = re.compile(
    rf"(?:.*[/\\@+]|-m?)?({'|'.join(sorted(_PROGRAMS, key=len, reverse=True))})[\d.]*"
    r"(?:\.exe|\.cmd)?(?:@[\w.^~-]+)?"
)
_CLUE = re.compile(rf"(?<![A-Za-z])m?({'|'.join(_PROGRAMS)})(?![A-Za-z])|\.install\(")
# Programs to which a command is one word, and those that only print theirs.
_SHELLS = re.compile(
    r"(.*[/@])?((ba|z|da|a|k|fi)?sh|su|eval|pwsh|powershell|cmd|bat|ssh|script|npm|npx|concurrently"
    r"|parallel|flock|watch|python[\d.]*)(\.exe)?"
)
_PRINTS = re.compile(r"@?-?(echo|printf|cat|print|info|warning|error|git|grep|rg|sed|awk|:)")
_COMMENT = re.compile(r"(^\s*[@-]*|(?<=\s))#.*$")
_INNER = re.compile(r"(?<=\\\n)(?:[ \t]*#.*\n)+")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_SUBSTITUTION = re.compile(r"[$<]\((?:shell )?([^()]*)\)|`([^`]*)`")
_SEPARATOR = re.compile(r"[;&|()\n]+")
_EXEC_FORM = re.compile(r"\[\s*\".*\]\s*$", re.DOTALL)
_CONSTANTS = (
    re.compile(
        r"(?:^|[\s;&({\"'-])([A-Za-z_]\w*)(?:=|[\"']?:[ ])"
        r"(?!\{)(\"[^\"\n]*\"|'[^'\n]*'|[(\[][^)\]]*[)\]]|[^\s;&|\"',}]+)"
    ),
    re.compile(
        r"^[ \t-]*(?:export[ \t]+)?[\"'$]?([A-Za-z_]\w*)[\"']?[ \t]*"
        r"(?:[:?+]=|(?<=[ \t])=|:)[ \t]+(.+)$",
        re.MULTILINE,
    ),
    re.compile(r"\bENV[ \t]+(\w+)[ \t]+(\S.*)$", re.MULTILINE),
    re.compile(r"\bfor (\w+) in ([^;\n]+)"),
)
_VARIABLE = re.compile(
    r"\$\{\{\s*(?:\w+\.)*(\w+)\s*\}\}|\{\{\s*\.?(\w+)\s*\}\}|\$\((\w+)\)|\$(\w+)|%(\w+)%"
    r"|\$\{(\w+)(?:\[[@*]\])?(?::?-([^}]*))?\}"
)
_STRING = re.compile(
    r"\"\"\"(.*?)\"\"\"|'''(.*?)'''|\"((?:\\.|[^\"\\\n])*)\"|'((?:\\.|[^'\\\n])*)'", re.DOTALL
)
# What runs a command that is a string, or a list of strings.
_RUNS = re.compile(
    r"\b(run|call|check_call|check_output|getoutput|[pP]open|system|exec\w*|spawn\w*|create_subprocess_\w+"
    r"|run_always|run_install|(?:conda_)?(?P<pip>install))\(\s*[\[(]?\s*(?:[\w.]+\s*,\s*)*$"
    r"|^[ \t]*\w+(?:: [^=\n]+)? = (?P<list>[\[(])\s*(?:[\w.]+\s*,\s*)*$",
    re.MULTILINE,
)
_PROSE = re.compile(
    r"[\"']?(name|description|title|summary|label|help|message|displayName)[\"']?\s*[:=]\s*$", re.I
)
_RUN = re.compile(r"run|script|command|cmd|sh$|args|entry|exec|install|task|step", re.I)

# Keys whose values are one command together.
_PARTS = ("entry", "entrypoint", "command", "args")

# The values of each name, with their lines; read when the first one is used.
Constants = Callable[[], Mapping[str, Sequence[tuple[int, str]]]]
Piece = tuple[int, str | list[str]]
Reader = Callable[[str], Iterator[Piece]]


class Command(NamedTuple):
    """A command that installs, or that says from where to install.

    Attributes:
        line: where it starts, from 1.
        program: its name, without a folder and a version: `pip`, `uv`, `npx`.
        verb: `install`, `pip install`; "" for a program that has none.
        words: all that follows the program.
        packages: what it installs, as it is written: requirements, folders, files and URLs.
        options: its options with their values, "" for none.
    """

    line: int
    program: str
    verb: str
    words: Sequence[str]
    packages: Sequence[str]
    options: Sequence[Sequence[str]]

    @property
    def is_python(self) -> bool:
        """Whether it installs distributions of Python, not packages of npm."""
        return self.program in _OF_PYTHON

    @property
    def sets(self) -> bool:
        """Whether it changes settings of the program."""
        return _VERBS[f"{self.program} {self.verb}".strip()] == SET

    def has(self, *names: str) -> bool:
        """Return whether one of these options is given."""
        return any(name in names for name, _ in self.options)


def is_docker(path: str) -> bool:
    """Return whether a file is a Dockerfile."""
    return _DOCKER.search(path) is not None


def may_carry(path: str) -> bool:
    """Return whether a file can carry commands, by its name: one without suffix may be a script."""
    return reader(path) is not None or "." not in path.rpartition("/")[2]


def commands(path: str, text: str) -> list[Command]:
    """Return the commands in the text of a file that install."""
    read = reader(path)
    if read is None and text.startswith("#!") and may_carry(path):
        read = _code if "python" in text.partition("\n")[0] else _lines
    if read is None or not _CLUE.search(text):
        return []
    constants = cache(partial(_constants, text))
    found: list[Command] = []
    for line, piece in read(text):
        found += [one for one in _scan(line, piece, constants) if one not in found[-4:]]
    return found


def strings(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the strings in code that only commas separate, with the place of the first."""
    start, end, row = 0, -1, list[str]()
    for found in _STRING.finditer(text):
        if not re.fullmatch(r"\s*,\s*[fr\[]?", text[end : found.start()] if end >= 0 else ""):
            if row:
                yield start, row
            start, row = found.start(), []
        value = next(one for one in found.groups() if one is not None)
        row.append(re.sub(r"\\(.)", lambda it: "\n" if it[1] == "n" else it[1], value))
        end = found.end()
    if row:
        yield start, row


@cache
def reader(path: str) -> Reader | None:
    """Return what reads the commands of files of this name; None if none is known."""
    # Most files are code.
    if path.endswith((".py", ".ts")):
        return _code
    return next((reader for names, reader in _READERS if names.search(path)), None)


def copies(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and path of everything that a Dockerfile copies from the build context."""
    for number, line in logical(text, _COMMENT):
        verb, _, rest = line.partition(" ")
        if verb.upper() in ("COPY", "ADD"):
            # COPY --chown=app ["../x", "/x"]
            flags = re.match(r"(\s*--\S+\s)*", rest)
            before = flags[0] if flags else ""
            arguments = [*words(before), *(_exec_form(rest[len(before) :]) or words(rest))]
            if not any(word.startswith("--from") for word in arguments):
                yield from ((number, word) for word in arguments[:-1] if not word.startswith("--"))
        for source in re.findall(r"--mount=\S*\b(?:source|src)=([^\s,]+)", line):
            if "from=" not in line:
                yield number, source


def _exec_form(text: str) -> list[str]:
    """Return the words of the exec form, `["pip", "install"]`; none for another form."""
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [str(word) for word in form] if isinstance(form, list) else []


def _lines(text: str) -> Iterator[Piece]:
    """Yield the lines of a shell script, Makefile or Dockerfile."""
    end = ""
    for number, line in logical(text, _COMMENT):
        if end:
            end = "" if line == end else end
            continue
        found = _HEREDOC.search(line)
        # What is only printed is none.
        if found and line.startswith("cat ") and not re.search(r"[|>]", line):
            end = found[2]
        form = _EXEC_FORM.search(line)
        yield number, (_exec_form(form[0]) if form else []) or line


def _docker(text: str) -> Iterator[Piece]:
    """Yield the lines of a Dockerfile, where a comment does not end a command."""
    yield from _lines(_INNER.sub(lambda found: "\\\n" * found[0].count("\n"), text))


def _yaml(text: str) -> Iterator[Piece]:
    """Yield the values of a YAML file, of templates their lines."""
    # Imported here, because few runs read YAML.
    import yaml

    try:
        todo = list(yaml.compose_all(text, Loader=in_c(text)))
    except (yaml.YAMLError, RecursionError, ValueError):
        yield from _lines(text)
        return
    seen: set[int] = set()
    while todo:
        node = todo.pop(0)
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            inner = {str(key.value): value for key, value in node.value}
            parts = [inner[key] for key in _PARTS if key in inner]
            if len(parts) > 1:
                yield parts[0].start_mark.line + 1, [one for part in parts for one in _flat(part)]
            todo = [
                value
                for key, value in inner.items()
                if not (_is_prose(key, value) or (len(parts) > 1 and key in _PARTS))
            ] + todo
        elif isinstance(node, yaml.SequenceNode):
            flat = _flat(node)
            if _is_list(flat):
                yield node.start_mark.line + 1, flat
            else:
                todo = [*node.value, *todo]
        elif isinstance(node, yaml.ScalarNode):
            # Behind `|` or `>`, the text begins on the next line.
            before = node.start_mark.line + (node.style in ("|", ">"))
            yield from ((before + line, piece) for line, piece in _lines(node.value))


def _is_prose(key: str, node: object) -> bool:
    """Return whether the value of a key is for people: a folded text is, unless its key runs it."""
    is_folded = getattr(node, "style", None) == ">" and not _RUN.search(key)
    return is_folded or _PROSE.match(f"{key}:") is not None


def _flat(node: "object") -> list[str]:
    """Return the words of a scalar, or the scalars of a sequence."""
    value = getattr(node, "value", "")
    if isinstance(value, str):
        return words(value)
    return [one.value for one in value if isinstance(getattr(one, "value", None), str)]


def _is_list(strings: Sequence[str]) -> bool:
    """Return whether strings are the words of one command, not several commands."""
    return len(strings) > 1 and not re.search(r"\s", strings[0])


def _literals(text: str) -> Iterator[Piece]:
    """Yield the strings of a text that is data, lists of them as lists."""
    for start, row in strings(text):
        before = text[text.rfind("\n", 0, start) + 1 : start]
        if not (before.lstrip().startswith(("#", "//")) or _PROSE.search(before)):
            yield from _pieces(text.count("\n", 0, start) + 1, row)


def _code(text: str) -> Iterator[Piece]:
    """Yield the strings that Python or JavaScript hands to what runs them."""
    for start, row in strings(text):
        before = text[max(start - 200, 0) : start]
        found = _RUNS.search(before)
        if found and not before.rpartition("\n")[2].lstrip().startswith(("#", "//")):
            line = text.count("\n", 0, start) + 1
            if found["pip"]:
                yield line, ["pip", "install", *row]
            elif not found["list"] or _is_list(row):
                yield from _pieces(line, row)


def _pieces(line: int, strings: list[str]) -> Iterator[Piece]:
    if _is_list(strings):
        yield line, strings
        return
    for one in strings:
        yield from ((line + at - 1, piece) for at, piece in _lines(one))


def _notebook(text: str) -> Iterator[Piece]:
    """Yield the commands of a notebook."""
    from monorepo.parsing import notebooks
    from monorepo.system.text_files import MalformedError

    try:
        yield from _lines(notebooks.shell(text))
    except MalformedError:
        return


_DOCKER = re.compile(
    r"(^|/)((Docker|Container)file[^/]*|[^/]+\.(docker|container)file|Earthfile)$", re.I
)
_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (_DOCKER, _docker),
    (re.compile(r"(^|/)(pnpm-lock\.yaml|package-lock\.json)$"), lambda _: iter(())),
    (re.compile(r"\.ya?ml$"), _yaml),
    (
        re.compile(
            r"\.(ba|z|k|fi)?sh$|\.(mk|ps1|bat|cmd|just|service)$|(^|/)\.?(GNUmake|make|just|task)file"
            r"([.-][^/]*)?$|(^|/)Procfile[^/]*$|(^|/)(tox\.ini|setup\.cfg|\.envrc|crontab)$"
            r"|(^|/)\.(githooks|husky)/.*$|(^|/)hooks/[^./]+$",
            re.I,
        ),
        _lines,
    ),
    (
        re.compile(
            r"\.toml$|(^|/)(Jenkins|Vagrant|Rake)file[^/]*$|\.groovy$|(^|/)(package|\.?devcontainer|tasks|launch"
            r"|denoc?|vercel|netlify|project|app|turbo|nx)\.jsonc?$|(^|/)\.devcontainer/.*\.json$"
        ),
        _literals,
    ),
    (re.compile(r"\.(py|[cm]?[jt]s)$"), _code),
    (re.compile(r"\.ipynb$"), _notebook),
)


def _constants(text: str) -> Mapping[str, Sequence[tuple[int, str]]]:
    """Return the values that a text gives to names, with their lines."""
    found: dict[str, list[tuple[int, str]]] = {}
    for one in (hit for pattern in _CONSTANTS for hit in pattern.finditer(text)):
        # What a command prints is not known.
        if re.match(r"\$\((?!\w+\))|`", one[2].lstrip("\"'")):
            continue
        value = re.sub(r"[\[\](),\"']+", " ", one[2]).strip()
        found.setdefault(one[1], []).append((text.count("\n", 0, one.end()) + 1, value))
    return {name: sorted(values, key=itemgetter(0)) for name, values in found.items()}


def _expanded(line: int, text: str, constants: Constants) -> str:
    """Return a text with the constants that it names in their place."""

    def value(found: re.Match[str]) -> str:
        name = next((one for one in found.groups()[:6] if one), "")
        values = constants().get(name, [])
        before = [text for at, text in values if at <= line]
        known = before[-1:] or [text for _, text in values[:1]] or [found[7] or ""]
        return known[0] or f"${name}"

    # A constant may be made from another one.
    for _ in range(3):
        text = _VARIABLE.sub(value, text.replace("$$", "$"))
    return text


def _scan(line: int, piece: str | list[str], constants: Constants) -> Iterator[Command]:
    """Yield the commands of a line of shell, or of a list of words."""
    if not isinstance(piece, str):
        yield from _read(line, [_expanded(line, word, constants) for word in piece])
        return
    piece = _expanded(line, piece, constants)
    while found := _SUBSTITUTION.search(piece):
        yield from _scan(line, found[1] or found[2] or "", dict)
        piece = f"{piece[: found.start()]}$_{piece[found.end() :]}"
    # What Python runs, which is a word of the shell, or lines of its own.
    for _, inner in _code(piece) if "(" in piece else ():
        yield from _scan(line, inner, dict)
    printed: list[str] = []
    for operator, told in _simple(piece) if _CLUE.search(piece) else ():
        if operator == "|" and told and _SHELLS.fullmatch(told[0]):
            told += printed
        elif operator == "|" and {"xargs", "-", "/dev/stdin"} & {*told}:
            told += [name for word in printed for name in word.split()]
        printed = told[1:] if told and _PRINTS.fullmatch(told[0]) else []
        if not printed:
            yield from _read(line, told)


def _read(line: int, told: Sequence[str]) -> Iterator[Command]:
    """Yield the installers among the words of a simple command, and in what a shell is given."""
    if any(map(_SHELLS.fullmatch, told)):
        for word in told:
            for inner in word.splitlines() if re.search(r"\s", word) else ():
                yield from _scan(line, inner, dict)
    at = 0
    while at < len(told):
        found = _PROGRAM.fullmatch(told[at])
        at += 1
        if found and (read := _command(line, found[1], told[at:])):
            command, used = read
            yield command
            at += used


def _simple(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each simple command in a line, with the operator before it."""
    lexer = shlex.shlex(
        re.sub(r"\\(?=[\w.])", "/", text), posix=True, punctuation_chars=";&|()<>\n"
    )
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        # A quote that ends on another line.
        tokens = re.sub(r"([;&|]+)", r" \1 ", re.sub(r"[\"']", " ", text)).split()
    operator, found, skip = "", list[str](), False
    for token in tokens:
        if skip:
            skip = False
        elif re.fullmatch(r"[<>&|]*[<>][<>&|]*", token):
            skip = True
            found = found[:-1] if found and found[-1].isdigit() else found
        elif _SEPARATOR.fullmatch(token):
            yield operator, found
            operator, found = token, []
        else:
            found.append(token)
    yield operator, found


def _command(line: int, program: str, told: Sequence[str]) -> tuple[Command, int] | None:
    """Return the command of an installer, and how many words are its own; None if it is none."""
    verb, mode = list[str](), _VERBS.get(program)
    packages, options = list[str](), list[tuple[str, str]]()
    at = 0
    while at < len(told):
        word, at = told[at], at + 1
        if word.startswith("-"):
            name, value, takes = _option(program, word)
            if takes and at < len(told):
                value, at = told[at], at + 1
            options.append((name, value))
        elif mode is None:
            verb.append(word)
            mode = _VERBS.get(" ".join([program, *verb]))
            if mode is None and len(verb) > 1:
                if verb[0] not in ("workspace", "runpip"):
                    return None
                verb = []
        else:
            packages.append(word)
            if mode in (FIRST, NONE):
                at -= 1
                break
    if mode is None:
        return None
    found = _packages(program, mode, packages, options)
    return Command(line, program, " ".join(verb), list(told), found, options), at


def _option(program: str, word: str) -> tuple[str, str, bool]:
    """Return the name and the value of an option, and whether the value is the next word."""
    takes = {*(_TAKES if program in _OF_PYTHON else _NODE_TAKES)} - {*_FLAGS.get(program, ())}
    name, equals, value = word.partition("=")
    short = None if word.startswith("--") else _LETTERS.fullmatch(word)
    if short and f"-{short[1]}" in takes:
        name, equals = f"-{short[1]}", short[2]
        value = equals.removeprefix("=")
    return name, value, name in takes and not equals


def _packages(
    program: str, mode: str, given: list[str], options: Sequence[tuple[str, str]]
) -> list[str]:
    """Return the packages of a command, from the words behind its verb and from its options."""
    naming = _NAMING.get(program, ())
    named = [(name, value) for name, value in options if name in naming]
    if mode in (NONE, SET) or (mode == FIRST and any(name in _INSTEAD for name, _ in named)):
        given = []
    if mode == CREATE:
        given = [_created(one) for one in given[:1]]
    if program == "deno":
        found = (re.match(r"npm:((?:@[^/]+/)?[^/]+)", one) for one in given)
        given = [one[1] for one in found if one]
    for name, value in named:
        given += value.split(",") if name in ("-w", "--with") else [value]
    return given


def _created(name: str) -> str:
    """Return the package that `npm create` asks for: that of `vite` is create-vite."""
    scope, slash, rest = name.partition("/")
    if not slash and name.startswith("@"):
        scope, at, version = name[1:].partition("@")
        return f"@{scope}/create{at}{version}"
    return f"{scope}/create-{rest}" if slash else f"create-{name}"
