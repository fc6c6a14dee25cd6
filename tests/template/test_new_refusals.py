"""What `make new` refuses: a line for each mistake, all at once, and nothing has changed."""

import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from monorepo.scaffold import answers
from tests.template import baking
from tests.template.faults import Outcome, Run, Victim, snapshot

# Names that nothing may have: DESIGN's list, one or more for each of its kinds.
BAD_NAMES = {
    "empty": "",
    "blank": "   ",
    "capital keyword": "None",
    "test": "test",
    "capitals": "CORE",
    "accent": "naïve",
    "look-alike": "\N{CYRILLIC SMALL LETTER A}pi",
    "full width": "\N{FULLWIDTH LATIN SMALL LETTER A}pi",
    "other digits": "a\N{ARABIC-INDIC DIGIT ONE}",
    "emoji": "rocket\N{ROCKET}",
    "bidi mark": "a\N{RIGHT-TO-LEFT MARK}b",
    "bidi override": "a\N{RIGHT-TO-LEFT OVERRIDE}b",
    "zero width": "a\N{ZERO WIDTH JOINER}b",
    "combining": "e\N{COMBINING ACUTE ACCENT}",
    "not UTF-8": "a\udcffb",
    "digit first": "1abc",
    "underscore first": "_x",
    "underscore": "a_b",
    "dot first": ".x",
    "dot": "a.b",
    "dash first": "-rf",
    "option": "--help",
    "dash last": "a-",
    "two dashes": "a--b",
    "space": "a b",
    "newline": "a\nb",
    "newline last": "acme\n",
    "tab": "a\tb",
    "carriage return": "a\rb",
    "escape": "a\x1b[31mb",
    "absolute": "/abs",
    "parent": "../x",
    "parent alone": "..",
    "slash": "a/b",
    "slash last": "a/",
    "backslash": "a\\b",
    "long": "a" * 65,
    "very long": "a" * 10_000,
    "node": "node_modules",
    "device": "con",
    "device with a number": "lpt9",
    "git": ".git",
    "null": "nul",
    "auxiliary": "aux",
    "shell": "x; touch P",
    "backticks": "`touch P`",
    "substitution": "$(touch P)",
    "Make": "$(shell touch P)",
    "single quote": "x'",
    "double quote": 'x"',
    "template": "<< 7 * 7 >>",
    "other template": "{{ 7 * 7 }}",
    "statement": "<% if 1 %>x<% endif %>",
    "quote breaking": 'ab"; import os; os.system("touch P") #',
    "TOML": 'x"\nevil = "',
    "percent": "%s",
    "home": "~",
    "glob": "*",
}
BAD_PATHS = {
    "none": "",
    "no area": "core",
    "other area": "lib/py/core",
    "no name": "shared/py/",
    "other language": "shared/go/core",
    "deeper": "shared/py/core/deep",
    "parent": "shared/py/../../../x",
    "two slashes": "shared//py/core",
    "slash last": "shared/py/core/",
    "dot": "./shared/py/core",
    "absolute": "/shared/py/core",
    "backslashes": "shared\\py\\core",
    "area in capitals": "Shared/py/core",
    "twice": "shared/py/core shared/py/core",
    "like a service": "shared/py/svc-api",
    "too long together": "shared/py/" + "a" * 64,
    "option": "--force",
}
GOOD = {
    **dict.fromkeys(answers.FREE_TEXT, "Demo"),
    "repo_name": "demo",
    "namespace": "acme",
    "packages": "shared/py/core",
}


@pytest.fixture(scope="module")
def new() -> Iterator[Victim]:
    """Hand out `make new`, to be called often."""
    with (
        Victim("monorepo.__main__:main", baking.ENGINE) as victim,
        tempfile.TemporaryDirectory() as scratch,
    ):
        told = baking.environment(ANSWERS=words())
        victim.warm(Run(Path(scratch), told, [["create", scratch]]))
        yield victim


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder in which somebody has things already."""
    folder = tmp_path / "out"
    (folder / "neighbour").mkdir(parents=True)
    (folder / "neighbour/file").write_text("mine", encoding="utf-8")
    return folder


def words(**given: str) -> str:
    """Return ANSWERS with these answers, quoted as for a shell."""
    pairs = " ".join(shlex.quote(f"{key}={value}") for key, value in {**GOOD, **given}.items())
    return f"--no-input --default-config {pairs}"


def call(new: Victim, out: Path, words: str, **environment: str) -> Outcome:
    """Run `make new` without Make."""
    told = {"ANSWERS": words, **environment}
    return new(Run(out.parent, baking.environment(**told), [["create", str(out)]]))


def refused(new: Victim, out: Path, words: str, *wanted: str) -> list[str]:
    """Fail unless it is refused as it should be, with `wanted` beginning its lines."""
    before = snapshot(out.parent)
    outcome = call(new, out, words)
    assert outcome.code == 2, outcome.output
    assert snapshot(out.parent) == before
    lines = outcome.output.splitlines()
    for line in lines:
        assert line.startswith("monorepo: ")
        assert len(line) < 200, line
        assert line.isprintable()
        assert "; " in line, "it does not say what to do"
    told = [line.removeprefix("monorepo: ") for line in lines]
    assert len(told) == len(wanted), outcome.output
    for line, beginning in zip(told, wanted, strict=True):
        assert line.startswith(beginning)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_bad_name(name: str, new: Victim, out: Path) -> None:
    refused(new, out, words(repo_name=name), "repo_name: ")
    if len(name) <= 64:
        refused(new, out, words(namespace=name), "namespace: ")
    # A blank parts two paths.
    if name.split() == [name]:
        refused(new, out, words(packages=f"shared/py/{name}"), "packages: ")


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS)
def test_a_bad_path(path: str, new: Victim, out: Path) -> None:
    refused(new, out, words(packages=path), "packages: ")


@pytest.mark.parametrize("other", ["CORE", "core-", "co--re", "a_core", "a.core"])
def test_names_that_are_the_same_once_folded(other: str, new: Victim, out: Path) -> None:
    refused(new, out, words(packages=f"shared/py/core shared/py/{other}"), "packages: ")


@pytest.mark.parametrize(
    "address",
    ["a", "@", "a@", "@b", "a b@c", "a@b c", "a@b@c", "a@b\n", '"a"@b', "a@b;c", "<a@b>", "ä@b.c"],
)
def test_a_bad_address(address: str, new: Victim, out: Path) -> None:
    refused(new, out, words(author_email=address), "author_email: ")


@pytest.mark.slow
@pytest.mark.parametrize("key", baking.CHOICES)
@pytest.mark.parametrize("value", ["", "mit", "MIT ", "2.7", "3.11\n", "x" * 10_000, "{{ 1 }}"])
def test_a_bad_choice(key: str, value: str, new: Victim, out: Path) -> None:
    refused(new, out, words(**{key: value}), f"{key}: ")


@pytest.mark.slow
@pytest.mark.parametrize("key", ["project_name", "description", "author_name"])
@pytest.mark.parametrize("text", ["", " \n", "a\x1b[2Jb", "a\x7f", "a\x85b", "bell\a", "a\udcffb"])
def test_bad_text(key: str, text: str, new: Victim, out: Path) -> None:
    refused(new, out, words(**{key: text}), f"{key}: ")


@pytest.mark.parametrize(
    "options",
    [
        "project_name='open",
        'project_name="open',
        "project_name=open\\",
        "loose",
        "=value",
        "x" * 10_000,
        "--help",
        "-h",
        "--bogus",
        "-rf",
        "--config-file",
        "--config-file nowhere.yaml",
        f"--config-file {'x' * 5_000}",
        "--output-dir elsewhere",
        "-o elsewhere",
        "--overwrite-if-exists",
        "--skip-if-file-exists",
        "--replay",
        "--replay-file x.json",
        "--checkout main",
        "--directory hooks",
        "--accept-hooks no",
        "--keep-project-on-failure",
        "--list-installed",
        "--debug-file log",
        "--verbose",
    ],
)
def test_bad_options(options: str, new: Victim, out: Path) -> None:
    refused(new, out, f"--no-input {options}", "")


def test_its_version_is_no_monorepo(new: Victim, out: Path) -> None:
    outcome = call(new, out, "--version")
    assert outcome.code == 2
    assert outcome.output.splitlines()[1:] == [
        "monorepo: ANSWERS: asks for a version; leave it out"
    ]


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "- a list",
        "default_context: 5",
        "default_context: [a]",
        "a: 'x",
        "\xff",
        "replay_dir: 5",
    ],
)
def test_a_broken_configuration(content: str, new: Victim, out: Path) -> None:
    file = out.parent / "config.yaml"
    file.write_text(content, encoding="latin-1")
    refused(new, out, f"--no-input --config-file {shlex.quote(str(file))}", "cookiecutter's config")


def test_a_configuration_with_bad_answers(new: Victim, out: Path) -> None:
    file = out.parent / "config.yaml"
    file.write_text("default_context: {namespace: 7, license: [], other: 1}", encoding="utf-8")
    config = f"--no-input --config-file {shlex.quote(str(file))}"
    refused(new, out, config, "namespace: ", "license: ")


@pytest.mark.parametrize(
    "key", ["other", "Namespace", "__python", "_extensions", "a\nb", "x" * 999]
)
def test_an_unknown_question(key: str, new: Victim, out: Path) -> None:
    (told,) = refused(new, out, words(**{key: "1"}), "")
    assert "is not a question" in told


def test_all_mistakes_at_once(new: Victim, out: Path) -> None:
    given = {
        "unknown": "1",
        "project_name": "",
        "repo_name": "class",
        "description": "\a",
        "namespace": "A",
        "author_name": " ",
        "author_email": "?",
        "license": "GPL",
        "python_version": "2.7",
        "python_env": "none",
        "manifests": "toml",
        "packages": "core shared/py/test",
    }
    keys = [*list(given)[1:], "packages"]
    refused(new, out, words(**given), "'unknown'", *(f"{key}: " for key in keys))


@pytest.mark.parametrize("kind", ["folder", "file", "dangling", "full"])
def test_a_target_that_exists(kind: str, new: Victim, out: Path) -> None:
    target = out / "demo"
    match kind:
        case "folder":
            target.mkdir()
        case "full":
            (target / "folder").mkdir(parents=True)
        case "file":
            target.write_text("mine", encoding="utf-8")
        case "dangling":
            target.symlink_to("nowhere")
    (told,) = refused(new, out, words(), "repo_name: ")
    assert "exists already" in told


# {P} is the file that must not appear.
PAYLOADS = [
    "x; touch {P}",
    "x && touch {P}",
    "x | touch {P}",
    "x & touch {P}",
    "`touch {P}`",
    "$(touch {P})",
    "$$(touch {P})",
    "$(shell touch {P})",
    "${shell touch {P}}",
    "$(eval X := $(shell touch {P}))",
    "'; touch {P}; '",
    '"; touch {P}; "',
    "x\ntouch {P}\n",
    "x > {P} #",
]
MARKUP = [
    '<< cycler.__init__.__globals__.os.popen("touch {P}").read() >>',
    '{{ cycler.__init__.__globals__.os.popen("touch {P}").read() }}',
    '<% set x = cycler.__init__.__globals__.os.popen("touch {P}").read() %>',
    '{% set x = cycler.__init__.__globals__.os.popen("touch {P}").read() %}',
    'ab"; import os; os.system("touch {P}") #',
    "ab'; import os; os.system('touch {P}') #",
    '"""; import os; os.system("touch {P}") #',
    "'\n[tool.x]\na = 1",
]


@pytest.mark.parametrize("payload", MARKUP)
def test_markup_is_data(payload: str, new: Victim, out: Path) -> None:
    payload = payload.replace("{P}", str(out / "P"))
    # Free text is taken, everything else is not.
    for key in answers.QUESTIONS.keys() - answers.FREE_TEXT:
        before = snapshot(out)
        outcome = call(new, out, words(**{key: payload}))
        assert outcome.code == 2, outcome.output
        assert snapshot(out) == before
    outcome = call(new, out, words(**dict.fromkeys(answers.FREE_TEXT, payload)))
    assert outcome.code == 0, outcome.output
    assert not (out / "P").exists()
    facts = tomllib.loads((out / "demo/pyproject.toml").read_text(encoding="utf-8"))
    taken = facts["tool"]["monorepo"]
    assert [taken[key] for key in ("project-name", "author-name")] == [payload, payload]


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "<< 7 * 7 >>", "{% x %}", "<% x %>", "<#", "{#"])
def test_markup_in_the_folder(text: str, new: Victim, out: Path) -> None:
    (out / text).mkdir()
    refused(new, out / text, words(), "OUT: ")


def make(out: str, words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run `make new` with Make, in the environment that runs the tests."""
    command = ["make", "-C", str(baking.TEMPLATE), "-o", ".venv/new.stamp"]
    command += [f"BIN={Path(sys.executable).parent}", "new"]
    return subprocess.run(
        [*command, f"OUT={out}", f"ANSWERS={words}"],
        cwd=cwd,
        env=baking.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_through_make(payload: str, out: Path) -> None:
    payload = payload.replace("{P}", str(out / "P"))
    folder = out / payload.replace("/", "_")
    # As the whole, so that it meets whatever splits words.
    assert make(str(out), payload, out).returncode == 2
    done = make(payload, words(), out)
    assert done.returncode == 2
    assert "is not a folder" in done.stdout
    folder.mkdir()
    done = make(str(folder), words(project_name=payload, description=payload), out)
    assert done.returncode == 0, done.stdout
    facts = tomllib.loads((folder / "demo/pyproject.toml").read_text(encoding="utf-8"))
    assert facts["tool"]["monorepo"]["project-name"] == payload
    assert {path.name for path in out.iterdir()} == {folder.name, "neighbour"}


def test_make_ends_with_two(out: Path) -> None:
    before = snapshot(out)
    done = make(str(out), words(namespace="class"), out)
    assert done.returncode == 2
    assert "monorepo: namespace: 'class' is a Python keyword" in done.stdout
    assert "Traceback" not in done.stdout
    assert snapshot(out) == before
