"""Names that have an index of their own are asked for there alone, and all others never there."""

import http.client
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.programs import index_router, indexes, uv_settings
from monorepo.programs.indexes import Index
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
CORP = Index("corp", "https://corp.example/simple", ("corp-*", "secret"))
CPU = Index("cpu", "https://cpu.example/whl", ("torch",))
PUBLIC = "https://pypi.org/simple"


@pytest.fixture
def settings(root: Path, write: Write) -> Callable[[str], None]:
    """Add a text to the manifest of the repository."""
    start = (root / "pyproject.toml").read_text(encoding="utf-8")

    def add(text: str) -> None:
        write({"pyproject.toml": f"{start}\n{text}"})

    return add


def asked(url: str, name: str) -> str:
    """Return where a front leads for a name; "" if it is not known there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.netloc), timeout=10)
    connection.request("GET", f"{parts.path}/{name}/")
    answer = connection.getresponse()
    connection.close()
    return answer.headers["Location"] if answer.status == 307 else ""


def led(told: dict[str, Any], name: str) -> list[str]:
    """Return the indexes that uv would ask for a name."""
    fronts = [entry["url"] for entry in told["index"] if not entry.get("explicit")]
    return [to.removesuffix(f"/{name}/") for front in fronts if (to := asked(front, name))]


def test_they_are_read_from_the_settings(root: Path, settings: Callable[[str], None]) -> None:
    assert indexes.read(root) == []
    settings(
        '[tool.monorepo.indexes.corp]\nurl = "https://corp.example/simple/"\n'
        'names = ["Corp-*", "Secret"]\n'
        '[tool.monorepo.indexes.cpu]\nurl = "https://cpu.example/whl"\nnames = ["torch"]\n'
    )
    assert indexes.read(root) == [CORP, CPU]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("indexes = 1", "]: is not a table; write a table [tool.monorepo.indexes.name]"),
        ("indexes.corp = 1", ".'corp']: is not a table; write url"),
        ("indexes.'a b' = {url = 'https://x/y', names = ['z']}", ".'a b']: is not a name; use"),
        ("indexes.corp = {url = 'x', names = ['z']}", "url: is not the address of an index; "),
        ("indexes.corp = {url = 'https://[', names = ['z']}", "url: is not the address of an "),
        ("indexes.corp = {url = 'https://x/?a=b', names = ['z']}", "url: is not the address of"),
        ("indexes.corp = {url = 'https://x'}", "names: write a list of names, or of starts of"),
        ("indexes.corp = {url = 'https://x', names = []}", "names: write a list of names, or"),
        ("indexes.corp = {url = 'https://x', names = ['*']}", "names: write a list of names, or"),
        ("indexes.corp = {url = 'https://x', names = ['a*']}", "names: write a list of names, or"),
        ("indexes.corp = {url = 'https://x', names = ['z'], b = 1}", "'b': is not known; write"),
        (
            "indexes = {a = {url = 'https://x', names = ['corp-*']},"
            " b = {url = 'https://y', names = ['Corp.Pad']}}",
            ".b]: corp-pad is also for a; name it for one of them",
        ),
    ],
)
def test_mistakes_are_refused(
    root: Path, settings: Callable[[str], None], text: str, said: str
) -> None:
    start = (root / "pyproject.toml").read_text(encoding="utf-8")
    (root / "pyproject.toml").write_text(
        start.replace("[tool.monorepo]\n", f"[tool.monorepo]\n{text}\n"), "utf-8"
    )
    with pytest.raises(UsageError) as caught, uv_settings.variables(root):
        pass
    assert any(said in mistake for mistake in caught.value.mistakes)
    assert all(mistake.startswith("pyproject.toml: [tool") for mistake in caught.value.mistakes)


def test_an_address_with_a_password_is_refused_and_not_repeated(
    root: Path, settings: Callable[[str], None]
) -> None:
    url = "https://me:hunter2@corp.example/simple"
    settings(f'[tool.monorepo.indexes.corp]\nurl = "{url}"\nnames = ["corp-*"]\n')
    with pytest.raises(UsageError, match=r"has credentials in it; remove them, and set UV_") as at:
        indexes.read(root)
    assert "hunter2" not in str(at.value)


def test_a_name_leads_to_its_own_index_and_others_to_the_usual_ones() -> None:
    mine = {"name": "mine", "url": "https://me:pw@mine.example/simple", "ignore-error-codes": [403]}
    user = {"index": [mine], "no-proxy": ["x"]}
    env = {"UV_INDEX": "more=https://more.example/simple /srv/wheels", "no_proxy": "x"}
    told, kept = indexes.route(user, env, [CORP, CPU])
    assert "UV_INDEX" not in kept
    assert kept["NO_PROXY"] == "x,127.0.0.1"
    assert told["no-proxy"] == ["x", "127.0.0.1"]
    local = [entry for entry in told["index"] if entry["url"] == "/srv/wheels"]
    assert len(local) == 1
    told["index"].remove(local[0])
    for name in ("corp-pad", "secret", "corp-"):
        assert led(told, name) == [CORP.url]
    assert led(told, "torch") == [CPU.url]
    usual = ["https://more.example/simple", "https://mine.example/simple", PUBLIC]
    for name in ("leftpad", "corp", "torchvision", "secrets"):
        assert led(told, name) == usual
    # uv has the credentials to add when it follows.
    (front,) = [
        entry["url"]
        for entry in told["index"]
        if entry.get("ignore-error-codes") == [403] and not entry.get("explicit")
    ]
    assert asked(front, "leftpad") == "https://mine.example/simple/leftpad/"
    explicit = {entry["name"]: entry["url"] for entry in told["index"] if entry.get("explicit")}
    assert explicit["mine"] == "https://me:pw@mine.example/simple"
    assert explicit["corp"] == CORP.url
    (default,) = [entry for entry in told["index"] if entry.get("default")]
    assert asked(default["url"], "leftpad") == f"{PUBLIC}/leftpad/"


def test_the_same_routes_have_the_same_address_by_which_uv_caches_what_it_has() -> None:
    def front(name: str) -> str:
        """Return the address of a front in another process."""
        made = f"indexes.Index('cpu', 'https://cpu.example/whl', ({name!r},))"
        shown = f"print(indexes.route({{}}, {{}}, [{made}])[0]['index'][0]['url'])"
        words = [sys.executable, "-c", f"from monorepo.programs import indexes; {shown}"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    # Another run of these tests, at the same time, has other routes.
    own = f"torchaudio-{os.getpid()}"
    first = front(own)
    assert front(own) == first
    # Other routes never, so that what one repository has cached is not taken by another.
    assert urlsplit(front("torchvision")).path != urlsplit(first).path
    # Two processes at once: the second has another port, and works as well.
    cpu = Index("cpu", "https://cpu.example/whl", (own,))
    assert indexes.route({}, {}, [cpu])[0]["index"][0]["url"] == first
    second = front(own)
    assert urlsplit(second).port != urlsplit(first).port
    assert urlsplit(second).path == urlsplit(first).path


@pytest.mark.parametrize(
    ("settings", "env", "url"),
    [
        ({}, {}, PUBLIC),
        ({"index-url": "https://a"}, {}, "https://a"),
        ({"pip": {"index-url": "https://b"}, "index-url": "https://a"}, {}, "https://b"),
        ({"index": [{"url": "https://c", "default": True}]}, {}, "https://c"),
        ({"index-url": "https://a"}, {"UV_INDEX_URL": "https://d"}, "https://d"),
        ({}, {"UV_INDEX_URL": "https://d", "UV_DEFAULT_INDEX": "e=https://e"}, "https://e"),
    ],
)
def test_the_usual_index_is_the_one_that_uv_would_use(
    settings: dict[str, Any], env: dict[str, str], url: str
) -> None:
    told, _ = indexes.route(settings, env, [CPU])
    assert led(told, "leftpad") == [url]
    assert led(told, "torch") == [CPU.url]


def test_questions_that_name_no_package_lead_nowhere() -> None:
    front = indexes.route({}, {}, [CPU])[0]["index"][1]["url"]
    for name in ("..", "..%2f..", "a/b", "A", "", "a?b", "a%0d%0aX"):
        assert not asked(front, name)
    parts = urlsplit(front)
    start = parts.path.split("/")[1]
    for path in (f"/{start}/9/simple", "/0123/0/simple"):
        assert not asked(f"http://{parts.netloc}{path}", "leftpad")


CUDA = Index("cuda", "https://cuda.example/whl", ("torch", "nvidia-*"), extra="gpu")
TABLES = """
[tool.monorepo.indexes.cuda]
url = "https://cuda.example/whl"
names = ["torch", "nvidia-*"]
extra = "gpu"

[tool.monorepo.indexes.cpu]
url = "https://cpu.example/whl"
names = ["torch"]
"""


def test_environments_with_an_extra_prefer_the_index_for_it(
    root: Path, settings: Callable[[str], None]
) -> None:
    settings(TABLES)

    def leading(name: str) -> list[str]:
        return led(indexes.route({}, {}, indexes.read(root))[0], name)

    assert leading("torch") == ["https://cpu.example/whl"]
    # What only the extra needs is asked of nobody else, wherever it is resolved.
    assert leading("nvidia-cuda") == [CUDA.url]
    with indexes.preferring("gpu"):
        assert leading("torch") == leading("nvidia-cuda") == [CUDA.url]
    assert leading("torch") == ["https://cpu.example/whl"]


def test_other_extras_have_no_builds_of_their_own(
    root: Path, settings: Callable[[str], None]
) -> None:
    settings(TABLES.replace('"gpu"', '"fast"'))
    with pytest.raises(UsageError, match=r"indexes\.'cuda'\]: extra: only gpu can have builds"):
        indexes.read(root)


def test_a_lock_has_the_addresses_behind_the_router() -> None:
    front = indexes.route({}, {}, [CPU])[0]["index"][0]["url"]
    assert index_router.recorded(f'registry = "{front}" }}') == f'registry = "{CPU.url}" }}'
    other = front.replace("/0/simple", "/77/simple")
    assert index_router.recorded(other) == other


PATTERNS = st.from_regex(r"[a-c]{1,2}(-[a-c])?(-\*)?", fullmatch=True)


@given(st.lists(PATTERNS, unique=True, max_size=4), st.from_regex(r"[a-c-]{1,4}", fullmatch=True))
def test_a_pin_is_in_one_group(patterns: list[str], name: str) -> None:
    apart = [Index(f"i{at}", "https://x", (one,)) for at, one in enumerate(patterns)]
    found = indexes.group({f"{name}==1": name}, apart)
    assert list(itertools.chain(*found.values())) == [f"{name}==1"]
    (index,) = found
    assert index is None or index.has(name)
    assert index is not None or not any(one.has(name) for one in apart)


def test_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index("our-corp", "https://corp.example/simple", ("corp-*",))
    assert indexes.with_credentials(index) == index.url
    monkeypatch.setenv("UV_INDEX_OUR_CORP_USERNAME", "me")
    assert indexes.with_credentials(index) == "https://me@corp.example/simple"
    monkeypatch.setenv("UV_INDEX_OUR_CORP_PASSWORD", "p@/ss")
    assert indexes.with_credentials(index) == "https://me:p%40%2Fss@corp.example/simple"
