"""Requirements files are read as pip reads them, in whatever shape they are found."""

import codecs
import os
from operator import add
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pip._internal.exceptions import PipError
from pip._internal.network.session import PipSession
from pip._internal.req import req_file

from monorepo.migrating import requirements_files
from monorepo.migrating.requirements_files import Line, Status
from monorepo.parsing import requirements_txt
from monorepo.system.errors import UsageError


def lines_of(tmp_path: Path, text: str | bytes) -> list[Line]:
    """Return the lines of a file with this text."""
    file = tmp_path / "requirements.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [line for one in requirements_files.read([str(file)]) for line in one.lines]


TEXT = "# -*- coding: {} -*-\nidna==3.7  # ü\nattrs==24.2.0 \\\n    --hash=sha256:{}\n"


@pytest.mark.parametrize(
    ("mark", "codec", "encoding"),
    [
        (b"", "utf-8", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32-be"),
        (b"", "latin-1", "latin-1"),
        (b"", "cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_breaks(
    tmp_path: Path, mark: bytes, codec: str, encoding: str, end: str
) -> None:
    text = TEXT.format(codec, "a" * 64).replace("\n", end)
    file = tmp_path / "requirements.txt"
    file.write_bytes(mark + text.encode(codec))
    (read,) = requirements_files.read([str(file)])
    assert read.encoding == encoding
    assert [(line.number, line.wanted) for line in read.lines] == [
        (2, "idna==3.7"),
        (3, "attrs==24.2.0"),
    ]


@pytest.mark.parametrize(
    "content",
    [b"# coding: none-such\nx", b"# \xfc\nx==1\n", b"\xff\xfex\x00y", b"# coding: ascii\n\xe9"],
)
def test_a_file_in_another_encoding_is_wrong_input(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="coding: …"):
        lines_of(tmp_path, content)


def test_all_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        requirements_files.read([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path)])
    assert len(caught.value.mistakes) == 3


def test_nested_files_are_relative_to_their_file_and_loops_end(tmp_path: Path) -> None:
    texts = {
        "svc/api/requirements.txt": "-r ../../shared/base.txt\n-c ../../limits.txt\nflask==3.0\n",
        "shared/base.txt": "--requirement=more.txt\n-r file:none.txt\n-r https://x/y.txt\n",
        "shared/more.txt": "-rbase.txt\nidna==3.7\n-r ../svc/../shared/more.txt\n",
        "limits.txt": "idna<4\n",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    files = requirements_files.read([str(tmp_path / "svc/api/requirements.txt")])
    found = {
        (Path(line.path).name, line.number): (line.status, line.is_constraint)
        for file in files
        for line in file.lines
    }
    changed, odd, unknown = Status.CHANGED, Status.SUSPICIOUS, Status.UNKNOWN
    assert found == {
        ("requirements.txt", 1): (changed, False),
        ("requirements.txt", 2): (changed, False),
        ("requirements.txt", 3): (Status.KEPT, False),
        ("base.txt", 1): (changed, False),
        ("base.txt", 2): (unknown, False),
        ("base.txt", 3): (unknown, False),
        ("more.txt", 1): (odd, False),
        ("more.txt", 2): (Status.KEPT, False),
        ("more.txt", 3): (odd, False),
        ("limits.txt", 1): (Status.KEPT, True),
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Zope.Interface==6.4", "Zope.Interface==6.4"),
        ("uvicorn[standard] == 0.30.1", "uvicorn[standard] == 0.30.1"),
        ("torch==2.7.1+cpu", "torch==2.7.1+cpu"),
        ("x==1.0rc1; '3.9' <= python_version", "x==1.0rc1; '3.9' <= python_version"),
        ("x==1 ; 'linux' in sys_platform", "x==1 ; 'linux' in sys_platform"),
        ("x (==1.0)", "x (==1.0)"),
        ("x==1 --hash=sha256:aa \\\n  --hash sha256:bb # why", "x==1"),
        ("x===1.0", "x===1.0"),
    ],
)
def test_a_requirement_by_name(tmp_path: Path, text: str, wanted: str) -> None:
    (line,) = lines_of(tmp_path, text)
    assert (line.wanted, line.status) == (wanted, Status.KEPT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("some words", "is not a requirement"),
        ("x==${VERSION}", "variable"),
        ("git+https://github.com/a/b@v1#egg=b", "direct URL"),
        ("b @ git+ssh://git@github.com/a/b.git@0123 ; python_version > '3'", "direct URL"),
        ("-e git+https://github.com/a/b#egg=b", "direct URL"),
        ("-e ../shared[all]", "migrate import ../shared "),
        ("./wheels/x-1-py3-none-any.whl", "local package"),
        ("--pre x==1", "pip ignores x==1"),
        ("--user", "--user is not an option"),
        ("-r", "-r has no value"),
        ("-r 'a", "quote"),
        ("x==1" + " " * 10_001 + "# long", "10,000"),
        ("x ; " + "(" * 4000 + "os_name=='a'" + ")" * 4000, "is not a requirement"),
    ],
)
def test_what_cannot_be_carried_over_says_why(tmp_path: Path, text: str, why: str) -> None:
    (line,) = lines_of(tmp_path, text)
    assert line.status is Status.UNKNOWN
    assert why in line.why


def test_an_option_that_pip_ignores_is_told(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, "x==1 --index-url https://x")
    assert (line.status, line.wanted) == (Status.SUSPICIOUS, "x==1")


@pytest.mark.parametrize(
    "text",
    [
        "--extra-index-url https://user:s3cret@pypi.corp.example/simple",
        "-i https://s3cret@pypi.corp.example/simple",
        "x @ https://u:p@s3cret@h/x-1.zip",
        "-e git+https://oauth2:s3cret@github.com/a/b#egg=b",
        "https://h/x-1.zip?X-Amz-Signature=s3cret&a=b",
        "-r https://h/r.txt?access_token=s3cret",
        "-r nested/none?token=s3cret",
        "x y https://a:s3cret@h",
    ],
)
def test_secrets_are_masked(tmp_path: Path, text: str) -> None:
    (line,) = lines_of(tmp_path, text)
    assert "s3cret" not in f"{line.text} {line.to} {line.why}"
    assert "****" in line.text


@pytest.mark.parametrize(
    "text", ["git+ssh://git@github.com/a/b", "https://${USER}:${TOKEN}@h/x", "https://h/a@b"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert requirements_files.mask(text) == text


NAMES = st.sampled_from(["x", "Zope.Interface", "a_b[c,d]", "idna"])
RANGES = st.sampled_from(["", "==1.0", " >= 1, <2", "===2", "~=1.4", "==2.7.1+cpu", "==1.*"])
MARKERS = st.sampled_from(
    ["", " ; python_version < '3.9'", ";'linux' in sys_platform", ' ; os_name == "a-b"']
)
HASHES = st.lists(
    st.sampled_from([" --hash=sha256:aa", " \\\n    --hash sha256:bb", "  --hash  sha256:c"]),
    max_size=2,
)
OPTIONS = st.sampled_from(
    [
        *("--index-url https://a/s", "-ihttps://a/s", "-i https://a/s", "--index https://a/s"),
        *("--extra-index-url=https://b/s", "--extra https://b/s", "--pypi-url https://a"),
        *("-f wheels", "--find-links=wheels", "--find wheels", "--no-index", "--no-i", "--pre"),
        *("--trusted-host h", "--no-binary :all:", "--only-b x,y", "--require-hashes"),
        *("--prefer-binary", "--use-feature=fast-deps", "-e ./x", "--editable=./x"),
        *("--no-binary 'a b'", "--prefer", "--trust=h --pre", "--p", "--no", "-q", "--x", "-e"),
    ]
)
COMMENTS = st.sampled_from(["", "  # why", "\t#-r x", " \\\n  # a -r b", " #"])
# Quotes do not keep pip from taking this for an option.
UNREADABLE = st.just(' ; os_name == "a - b"')
REQUIREMENTS = st.builds(
    lambda *parts: "".join(map(str, parts)), NAMES, RANGES, MARKERS, HASHES.map("".join), COMMENTS
)
BREAKS = st.sampled_from(["\n", "\r\n", "\n\n", "\n# -r no\n", " \n"])
FILES = st.lists(
    REQUIREMENTS | st.builds(add, NAMES, UNREADABLE) | st.builds(add, OPTIONS, COMMENTS),
    min_size=1,
).flatmap(lambda rows: BREAKS.map(lambda end: end.join(rows)))
DESTINATIONS = {
    "index_url": "--index-url",
    "extra_index_urls": "--extra-index-url",
    "no_index": "--no-index",
    "find_links": "--find-links",
    "editables": "--editable",
    "hashes": "--hash",
    "trusted_hosts": "--trusted-host",
    "require_hashes": "--require-hashes",
    "prefer_binary": "--prefer-binary",
    "pre": "--pre",
}


def as_pip(line: str) -> tuple[str, set[str]] | None:
    """Return the requirement and the options of a logical line as pip has them; None: refused."""
    try:
        before, options = req_file.get_line_parser(None)(line)
    except (PipError, req_file.OptionParsingError):
        return None
    return before.strip(), {
        name for key, name in DESTINATIONS.items() if getattr(options, key, None)
    }


@given(FILES)
def test_lines_are_those_of_pip(text: str) -> None:
    ours = list(requirements_txt.logical(text))
    assert ours == list(req_file.preprocess(text))
    for _, line in ours:
        expected = as_pip(line)
        if expected is None:
            with pytest.raises(ValueError, match=r"."):
                requirements_txt.settings(line)
            continue
        before, settings = requirements_txt.settings(line)
        known = {one.name for one in settings} & set(DESTINATIONS.values())
        assert (before, known) == expected


@given(st.lists(REQUIREMENTS, min_size=1, max_size=5), st.sampled_from(["utf-8", "utf-16"]))
def test_requirements_are_those_of_pip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], codec: str
) -> None:
    file = tmp_path_factory.mktemp("read") / "requirements.txt"
    file.write_bytes("\n".join(rows).encode(codec))
    theirs = req_file.parse_requirements(str(file), session=PipSession())
    ours = [line for one in requirements_files.read([str(file)]) for line in one.lines]
    assert [line.wanted for line in ours] == [one.requirement.strip() for one in theirs]


@given(st.text(alphabet="-rce=\"' \\\n#./@:;[]${}fileAx%2\r\x0c", max_size=60))
def test_every_line_of_any_text_has_an_outcome(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("any") / "requirements.txt"
    file.write_bytes(text.encode())
    (read, *_) = requirements_files.read([str(file)])
    assert len(read.lines) == len(list(requirements_txt.logical(text)))
    assert all(line.why for line in read.lines if line.status is not Status.KEPT)


def test_devices_depth_and_size_stop_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    texts = {"main.txt": "-r pipe\n-r /dev/zero\n-r a\0b\n-r large.txt\n-r 0.txt\n-r .\nidna==3\n"}
    texts |= {f"{number}.txt": f"-r {number + 1}.txt\nx{number}\n" for number in range(60)}
    texts["large.txt"] = "#" * 10_000_001
    for path, text in texts.items():
        (tmp_path / path).write_text(text, "utf-8")
    files = requirements_files.read([str(tmp_path / "main.txt")])
    told = [(line.status.value, line.why) for line in files[0].lines]
    unknown = "not-understood"
    assert [status for status, _ in told] == [*[unknown] * 4, "changed", unknown, "kept"]
    reasons = ("is no file", "is no file", "null byte", "10,000,000", "", "Is a directory", "")
    assert all(why in text for why, (_, text) in zip(reasons, told, strict=True))
    deepest = [line for file in files for line in file.lines if line.why.endswith("each other")]
    assert [line.status for line in deepest] == [Status.UNKNOWN]
    with pytest.raises(UsageError, match="is no file"):
        requirements_files.read([str(tmp_path / "pipe")])


@pytest.mark.parametrize(
    "text",
    [
        "https://pypi.example.org/AbC123def456ghi789jkl/acme/",
        "https://h/x#token=abc",
        "x?a_KEY=abc",
    ],
)
def test_a_secret_in_a_path_or_a_query_is_masked(text: str) -> None:
    assert "abc" not in requirements_files.mask(text).lower()


@given(st.text(alphabet="?&;#=@:/-._aktoken012", max_size=200))
def test_masking_again_changes_nothing(text: str) -> None:
    masked = requirements_files.mask(text)
    assert requirements_files.mask(masked) == masked
