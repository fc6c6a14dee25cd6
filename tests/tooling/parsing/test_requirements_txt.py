"""Every spelling of a line that leads somewhere is read as pip and uv read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import constraints, hashes
from monorepo.parsing import requirements_txt, shell_commands
from monorepo.parsing.requirements_txt import Entry, Kind


@pytest.mark.parametrize(
    "line",
    [
        "-r ../x.txt",
        "-r../x.txt",
        "-r=../x.txt",
        "  \t-r   ../x.txt",
        "--requirement ../x.txt",
        "--requirement=../x.txt",
        "--requirements ../x.txt",
        "--requirem ../x.txt",
        "--requiremen=../x.txt",
        "-c ../x.txt",
        "--constraint=../x.txt",
        "--cons ../x.txt",
        "-r '../x.txt'",
        '-r "../x.txt"',
        "--requirement='../x.txt'",
        "-r ..\\x.txt",
        "-r \\\n  ../x.txt",
        "-r ../\\\nx.txt",
        "--index-url https://x/simple -r ../x.txt",
        "-r ../x.txt  # why",
        "--pre -r ../x.txt",
    ],
)
def test_an_include(line: str) -> None:
    assert list(requirements_txt.read(line)) == [Entry(1, Kind.INCLUDE, "../x.txt")]


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("-e ../x", "path", "../x"),
        ("-e../x[a]", "path", "../x[a]"),
        ("--editable=file:../x", "path", "file:../x"),
        ("--ed ../x", "path", "../x"),
        ("x @ file:../x", "path", "file:../x"),
        ("x@file:///x ; python_version > '3'", "path", "file:///x"),
        ("x @ ../x", "path", "../x"),
        ("./../x", "path", "./../x"),
        ("../x[a,b]", "path", "../x[a,b]"),
        ("file:../x", "path", "file:../x"),
        ("shared/py/x", "path", "shared/py/x"),
        ("x @ https://x/x.whl", "url", "https://x/x.whl"),
        ("git+https://x/x", "url", "git+https://x/x"),
        ("httpx>=1 --hash=sha256:-r", "name", "httpx>=1"),
        ("--extra-index-url https://x", "option", "--extra-index-url https://x"),
        ("- see -r", "wrong", "- see -r"),
        ("some words", "wrong", "some words"),
        ("x #-r ../x", "name", "x"),
    ],
)
def test_other_lines(line: str, kind: str, value: str) -> None:
    assert list(requirements_txt.read(line)) == [Entry(1, Kind(kind), value)]


def test_lines_are_counted_where_they_start() -> None:
    text = "# -r ../no\n\na \\\n  # -r ../no\n-r \\\n x\n\n-c y\\\n"
    assert [(one.line, one.value) for one in requirements_txt.read(text)] == [
        (3, "a"),
        (5, "x"),
        (8, "y"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("requirements.txt", "", True),
        ("dev-requirements.in", "", True),
        ("requirements/dev.txt", "", True),
        ("constraints-3.12.txt", "", True),
        ("needs", "-r ../x\nhttpx\n", True),
        ("LICENSE", "-r ../x is a line of prose\nthat goes on, and on\n", False),
        ("notes.md", "- one\n- -r ../x\n", False),
        (".gitignore", "/dist\nnode_modules/\n", False),
        ("words", "apple\npear\n", False),
    ],
)
def test_what_is_a_requirements_file(path: str, text: str, expected: bool) -> None:
    assert requirements_txt.is_requirements(path, text) is expected


@given(st.text(alphabet="-rce=\"' \\\n#./@:;[]$fileAx%2\r\x0c", max_size=40))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    lines = text.count("\n") + text.count("\r") + text.count("\x0c") + 1
    assert all(1 <= one.line <= lines for one in requirements_txt.read(text))


@given(st.sampled_from(["-r", "--requirement", "-c"]), st.sampled_from(["", " ", "=", " \\\n"]))
def test_what_stands_between_does_not_matter(option: str, between: str) -> None:
    if option == "--requirement" and not between:
        between = "="
    (one,) = requirements_txt.read(f"{option}{between}../x")
    assert (one.kind, one.value) == ("include", "../x")


@pytest.mark.slow
@pytest.mark.parametrize("piece", [" ", "\n", "a ", "#", " --", "\\"])
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    text = f"a==1{piece * 300_000}b"
    requirements_txt.is_requirements("requirements.txt", text)
    list(requirements_txt.read(text))
    list(constraints.misfits(text))
    hashes.pin_lines(text)
    shell_commands.commands("x.sh", f"pip install {text}")
