"""The build of a browser app is served, and its page looked at."""

from pathlib import Path

import pytest

from monorepo.system.errors import TaskError
from monorepo.tasks import page

SCRIPT = '<script type="module" src="/assets/a.js"></script>'


def look(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with page.served(folder) as url:
        page.look(url)


@pytest.mark.parametrize(
    "html",
    [
        SCRIPT,
        f"{SCRIPT}<link rel=stylesheet href='./assets/a.js#part'>",
        f"{SCRIPT}<img src=https://example.invalid/logo.png><link><script>1</script>",
    ],
)
def test_a_page_loads_what_is_there(tmp_path: Path, html: str) -> None:
    look(tmp_path, {"index.html": html, "assets/a.js": "1"})


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"index.html": SCRIPT}, "GET /assets/a.js: HTTP Error 404: File not found; see make"),
        ({"index.html": SCRIPT, "assets/a.js": ""}, "GET /assets/a.js: is empty; see make build"),
        ({"index.html": "<p>nothing"}, "GET /: loads no file of its own; expected a script: see"),
        ({"index.html": "<script src=https://example.invalid/a.js></script>"}, "GET /: loads no"),
        ({"index.htm": SCRIPT, "assets/a.js": "1"}, ""),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, files: dict[str, str], why: str) -> None:
    if not why:
        look(tmp_path, files)
        return
    with pytest.raises(TaskError, match=f"^smoke: {why}"):
        look(tmp_path, files)


def test_a_folder_without_a_page_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(TaskError, match=r"^smoke: GET /: "):
        look(tmp_path, {})


def test_nothing_is_served_any_more(tmp_path: Path) -> None:
    with page.served(tmp_path) as url:
        pass
    with pytest.raises(TaskError, match="Connection refused"):
        page.look(url)
