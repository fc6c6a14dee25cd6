"""What a package needs is written once it is proven; what is not proven stays as it was."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from monorepo.core import workspace
from monorepo.guard import accepted, runner
from monorepo.programs.git import Git
from monorepo.ratchet import allow_list, picture, ratchet, report
from monorepo.ratchet.allow_list import Point
from monorepo.ratchet.ratchet import Report, Row, State
from monorepo.system.errors import UsageError
from tests.examples import UNTIL

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
CORE, API, JOB = "shared/py/core", "services/py/api", "services/py/job"
LEGACY = ["left==1.0", "right==1.0"]
RUN = 'test:\n\t@"$(VENV)/bin/python" tests/test_it.py\n'
MARK = '\n[tool.monorepo]\nlegacy = ["legacy-cpu"]\n'
ALLOW = f"""
# Why it is there.
[[tool.monorepo.allow]]
rule = "legacy"
path = "services/py/job"
reason = "later"
until = {UNTIL}

[[tool.monorepo.allow]]
rule = "heavy"
path = "services/py/job"
reason = "other"
until = {UNTIL}
"""


@pytest.fixture
def repository(root: Path, package: MakePackage, write: Write, wheel: MakeWheel, uv: Path) -> Path:
    """Make two services that request what one of them needs a part of, and the other nothing."""
    assert uv.exists()
    for name in ("left", "right"):
        wheel(name, "1.0", files={f"{name}/__init__.py": ""})
    (package(CORE, io=["left==1.0"], **{"legacy-cpu": LEGACY}))
    for path, name in ((API, "api"), (JOB, "job")):
        package(path, "tiny-core[legacy-cpu]")
        write({f"{path}/src/tiny_svc_{name}/__init__.py": "import tiny_core.io\n"})
    write({f"{CORE}/src/tiny_core/io.py": "import left\n"})
    for path in (CORE, API, JOB):
        write({f"{path}/Makefile": RUN, f"{path}/tests/test_it.py": "import json\n"})
    text = (root / CORE / "pyproject.toml").read_text(encoding="utf-8")
    (root / CORE / "pyproject.toml").write_text(text + MARK, encoding="utf-8")
    write({"constraints.txt": "left==1.0\nright==1.0\nuv==9.9\n"})
    accept(root)
    return root


def accept(root: Path) -> None:
    space = workspace.load(root)
    accepted.adopt(space, runner.found(space, ["legacy"]))


def fix(root: Path, *words: str, dry_run: bool = False) -> Report:
    return ratchet.fix(workspace.load(root), words, dry_run=dry_run)


def states(found: Report) -> dict[str, str]:
    return {row.path: row.state.value for row in found.rows}


def dependencies(root: Path, path: str) -> list[str]:
    return [*workspace.load(root).packages[path].requirements()]


def test_a_look_changes_nothing(repository: Path, tree: Tree) -> None:
    before = tree()
    found = ratchet.look(workspace.load(repository))
    assert states(found) == {API: "left", JOB: "left"}
    assert not found.is_failed
    assert tree() == before
    assert states(ratchet.look(workspace.load(repository), [JOB])) == {JOB: "left"}


def test_packages_are_proven_and_the_extra_goes(repository: Path) -> None:
    found = fix(repository)
    assert states(found) == {API: "done", JOB: "done"}
    assert not found.is_failed
    assert dependencies(repository, API) == dependencies(repository, JOB) == ["tiny-core[io]"]
    assert [*workspace.load(repository).packages[CORE].extras] == ["io"]
    assert "legacy" not in (repository / CORE / "pyproject.toml").read_text(encoding="utf-8")
    assert json.loads((repository / "guard-baseline.json").read_text(encoding="utf-8")) == []
    assert found.changes == [
        *(f"{API}/pyproject.toml", "guard-baseline.json"),
        *(f"{JOB}/pyproject.toml", f"{CORE}/pyproject.toml"),
    ]
    assert f"{CORE}: has no extra for a migration any more" in report.as_text(found)
    # Another time, there is nothing to do.
    again = fix(repository)
    assert (again.changes, again.rows, again.holders) == ([], [], [])
    assert report.as_text(again).startswith("no package marks an extra for a migration")


def test_one_that_is_not_proven_stays_and_the_others_go_on(
    repository: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    # No import tells that it needs the other one.
    write({f"{API}/tests/test_it.py": "__import__('thgir'[::-1])\n"})
    before = (repository / API / "pyproject.toml").read_bytes()
    found = fix(repository)
    assert states(found) == {API: "failed", JOB: "done"}
    assert found.is_failed
    assert "No module named 'right'" in capfd.readouterr().err
    assert (repository / API / "pyproject.toml").read_bytes() == before
    assert dependencies(repository, JOB) == ["tiny-core[io]"]
    (entry,) = json.loads((repository / "guard-baseline.json").read_text(encoding="utf-8"))
    assert entry[1] == f"{API}/pyproject.toml"
    text = report.as_text(found)
    assert f"{API}: stays as it was: {API}: its tests fail; see above" in text
    assert "1 of 2 packages are done" in text
    # The extra stays as long as one requests it.
    assert "legacy-cpu" in workspace.load(repository).packages[CORE].extras


def test_all_modules_are_imported(repository: Path, write: Write) -> None:
    hidden = "import importlib\nimportlib.import_module('thgir'[::-1])\n"
    asking = "raise ImportError('install tiny-svc-job[x]')\n"
    write(
        {
            f"{API}/src/tiny_svc_api/inner.py": hidden,
            f"{JOB}/src/tiny_svc_job/inner.py": asking,
        }
    )
    found = fix(repository)
    assert states(found) == {API: "failed", JOB: "done"}
    why = next(row.why for row in found.rows if row.path == API)
    assert why == (
        f"{API}: does not import: tiny_svc_api.inner: ModuleNotFoundError: No module named 'right'"
    )


def test_what_is_not_pinned_is_not_proven(repository: Path, write: Write, tree: Tree) -> None:
    write({"constraints.txt": "right==1.0\nuv==9.9\n"})
    before = tree()
    found = fix(repository, API)
    assert states(found) == {API: "failed"}
    assert "left: not pinned; run make lock" in found.rows[0].why
    assert tree() == before


def test_only_what_is_named_is_changed(repository: Path) -> None:
    found = fix(repository, JOB)
    assert (states(found), found.is_failed) == ({JOB: "done"}, False)
    assert dependencies(repository, API) == ["tiny-core[legacy-cpu]"]
    # Done is also what was in the list before.
    Git(repository).run("init", "--quiet")
    found = fix(repository, API)
    assert states(found) == {API: "done"}
    assert found.holders[0].state is State.LEFT
    assert f"{CORE}: nobody requests legacy-cpu: make ratchet FIX=1 removes it" in (
        report.as_text(found)
    )
    assert fix(repository, CORE).holders[0].state is State.DONE


def test_a_dry_run_shows_all_of_it_and_changes_nothing(
    repository: Path, write: Write, tree: Tree
) -> None:
    write({f"{CORE}/src/tiny_core/io.py": "import left, right\n"})
    before = tree()
    found = fix(repository, dry_run=True)
    assert tree() == before
    assert states(found) == {API: "left", JOB: "left"}
    for line in ('+dependencies = ["tiny-core[io]"]', '-legacy = ["legacy-cpu"]'):
        assert line in found.changes
    assert sum(line.startswith('+io = ["left==1.0", "right==1.0"]') for line in found.changes) == 1


def test_extras_get_what_they_lack_first(repository: Path, write: Write) -> None:
    write({f"{CORE}/src/tiny_core/io.py": "import left, right\n"})
    write({f"{CORE}/src/tiny_core/more.py": "import right\n"})
    found = ratchet.look(workspace.load(repository))
    text = report.as_text(found)
    assert f"{CORE}: extra io: lacks right==1.0" in text
    assert f"{CORE}: make ratchet PKG={CORE} FIX=1 gives its extras what they lack" in text
    assert states(found) == {API: "blocked", JOB: "blocked"}
    assert fix(repository, API).is_failed
    grown = fix(repository, CORE)
    assert not grown.holders[0].growth
    assert workspace.load(repository).packages[CORE].extras == {
        "io": ["left==1.0", "right==1.0"],
        "more": ["right==1.0"],
        "legacy-cpu": LEGACY,
    }
    assert states(fix(repository)) == {API: "done", JOB: "done"}


def test_extras_that_cannot_be_proven_stay(repository: Path, write: Write) -> None:
    write({f"{CORE}/src/tiny_core/more.py": "import right\n"})
    write({f"{CORE}/tests/test_it.py": "raise SystemExit(1)\n"})
    before = (repository / CORE / "pyproject.toml").read_bytes()
    found = fix(repository)
    assert found.holders[0].state is State.FAILED
    assert f"{CORE}: stays as it was: {CORE}: its tests fail" in report.as_text(found)
    assert (repository / CORE / "pyproject.toml").read_bytes() == before
    # The others go on, and nothing that a module needs is removed.
    assert states(found) == {API: "done", JOB: "done"}


def test_the_root_is_for_a_hand(repository: Path, write: Write) -> None:
    facts = (repository / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["tiny-core[legacy-cpu]"]')})
    found = fix(repository)
    assert states(found)["."] == "blocked"
    assert ".: stays as it was: it has no code" in report.as_text(found)
    assert "legacy-cpu" in workspace.load(repository).packages[CORE].extras


def test_a_set_of_dependencies_is_for_a_hand(repository: Path, dependency_set: MakePackage) -> None:
    dependency_set("shared/py/all", "tiny-core[legacy-cpu]")
    assert states(ratchet.look(workspace.load(repository)))["shared/py/all"] == "blocked"


def test_a_sparse_checkout_is_refused(
    repository: Path, save: Callable[[], str], tree: Tree
) -> None:
    save()
    Git(repository).run("update-index", "--skip-worktree", f"{JOB}/pyproject.toml")
    shutil.rmtree(repository / JOB)
    with pytest.raises(UsageError, match=rf"^{JOB}: is not in this sparse checkout"):
        fix(repository)


def test_what_changes_during_the_proof_stays(repository: Path, write: Write) -> None:
    place = (repository / API / "pyproject.toml").as_posix()
    write({f"{API}/tests/test_it.py": f"open({place!r}, 'a').write('# mine\\n')\n"})
    found = fix(repository, API)
    assert states(found) == {API: "failed"}
    assert found.rows[0].why.endswith("has changed since; run this again")
    assert dependencies(repository, API) == ["tiny-core[legacy-cpu]"]
    assert (repository / API / "pyproject.toml").read_text("utf-8").endswith("# mine\n")


def test_no_password_is_shown(repository: Path, write: Write) -> None:
    secret = "left @ https://ann:hunter2@example.com/left-1.0.tar.gz"
    text = (repository / CORE / "pyproject.toml").read_text(encoding="utf-8")
    write({f"{CORE}/pyproject.toml": text.replace("left==1.0", secret)})
    write({f"{API}/src/tiny_svc_api/__init__.py": "import left\n"})
    found = ratchet.look(workspace.load(repository))
    for shown in (report.as_text(found), report.as_json(found)):
        assert "hunter2" not in shown
        assert "left @ https://****@example.com/left-1.0.tar.gz" in shown


def test_in_the_flat_layout(repository: Path) -> None:
    (repository / "packages").mkdir()
    for path, name, kind in ((CORE, "tiny-core", "shared"), (API, "tiny-svc-api", "services")):
        (repository / path).rename(repository / "packages" / name)
        file = repository / "packages" / name / "pyproject.toml"
        text = file.read_text(encoding="utf-8")
        table = "[tool.monorepo]\n"
        text = text if table in text else f"{text}{table}"
        file.write_text(text.replace(table, f'{table}kind = "{kind}"\n'), encoding="utf-8")
    (repository / "guard-baseline.json").unlink()
    accept(repository)
    found = fix(repository)
    assert states(found) == {"packages/tiny-svc-api": "done", JOB: "done"}
    core = (repository / "packages/tiny-core/pyproject.toml").read_text(encoding="utf-8")
    assert core.endswith('[tool.monorepo]\nkind = "shared"\n')


def test_packages_that_depend_on_each_other_have_an_order(
    repository: Path, package: MakePackage
) -> None:
    package("shared/py/a", "tiny-b")
    package("shared/py/b", "tiny-a", "tiny-core[legacy-cpu]")
    assert [*states(ratchet.look(workspace.load(repository)))] == ["shared/py/b", API, JOB]


def test_an_exception_goes_with_its_reason(repository: Path, write: Write) -> None:
    facts = (repository / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts + ALLOW})
    assert fix(repository, API).changes == [f"{API}/pyproject.toml", "guard-baseline.json"]
    assert "pyproject.toml" in fix(repository, JOB).changes
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    assert "later" not in text
    assert text.count("[[tool.monorepo.allow]]") == 1
    assert workspace.toml(text)["tool"]["monorepo"]["allow"][0]["reason"] == "other"


def test_exceptions_in_one_array_are_for_a_hand(repository: Path, write: Write) -> None:
    entry = f'rule = "legacy", path = "services/py/job", reason = "x", until = {UNTIL}'
    facts = (repository / "pyproject.toml").read_text(encoding="utf-8")
    before = f"{facts}allow = [{{ {entry} }}]\n"
    write({"pyproject.toml": before})
    fix(repository)
    assert (repository / "pyproject.toml").read_text(encoding="utf-8") == before


def test_a_broken_baseline_is_told_before_anything_changes(
    repository: Path, write: Write, tree: Tree
) -> None:
    write({"guard-baseline.json": "{"})
    before = tree()
    with pytest.raises(UsageError, match=r"^guard-baseline.json:1: is not a list of findings"):
        fix(repository, API)
    assert tree() == before


def test_the_list_is_what_git_has_of_it(
    repository: Path, write: Write, save: Callable[[], str]
) -> None:
    # Before it, there was none.
    baseline = (repository / "guard-baseline.json").read_text(encoding="utf-8")
    (repository / "guard-baseline.json").unlink()
    save()
    write({"guard-baseline.json": baseline})
    save()
    write({"guard-baseline.json": "broken"})
    save()
    write({"guard-baseline.json": baseline})
    facts = (repository / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts + ALLOW})
    points = allow_list.history(repository)
    assert [point.length for point in points] == [2, 0, 3]
    assert [bool(point.date) for point in points] == [True, True, False]
    assert points[0].paths == {API, JOB}


def test_without_git_the_list_is_what_is_there(repository: Path) -> None:
    assert [point.length for point in allow_list.history(repository)] == [2]
    (repository / "guard-baseline.json").unlink()
    assert allow_list.history(repository) == []


def test_the_report_as_json(repository: Path) -> None:
    told = json.loads(report.as_json(ratchet.look(workspace.load(repository))))
    assert told["schema_version"] == 1
    assert told["holders"] == [
        {
            "path": CORE,
            "extras": ["legacy-cpu"],
            "requirements": 2,
            "state": "left",
            "why": "",
            "lacking": {},
        }
    ]
    assert [row["path"] for row in told["consumers"]] == [API, JOB]
    (need,) = told["consumers"][0]["needs"]
    assert (need["text"], need["place"]) == ("tiny-core[io]", "dependencies")
    assert need["reasons"][0]["path"] == f"{API}/src/tiny_svc_api/__init__.py"


def test_the_table(repository: Path, package: MakePackage) -> None:
    text = report.as_text(ratchet.look(workspace.load(repository)))
    assert text.endswith(
        "\n\npackage          needs  in place of  state\n"
        "services/py/api  1      2            left\n"
        "services/py/job  1      2            left\n"
        "0 of 2 packages are done"
    )
    package(API, "tiny-core[legacy-cpu]")
    text = report.as_text(ratchet.look(workspace.load(repository), [API]))
    assert f"{API}: needs nothing in place of tiny-core[legacy-cpu]" in text


def test_many_reasons_are_counted(repository: Path, write: Write) -> None:
    for name in "abcde":
        write({f"{API}/src/tiny_svc_api/{name}.py": "import tiny_core.io\n"})
    text = report.as_text(ratchet.look(workspace.load(repository)))
    assert "\n    and 3 more places\n" in text


SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture(repository: Path, tmp_path: Path) -> None:
    found = ratchet.look(workspace.load(repository))
    found.rows.append(Row("services/py/<&>", State.DONE))
    found.rows.append(Row(".", State.BLOCKED))
    found.history = [
        Point("2026-01-01", 4, frozenset()),
        Point("2026-02-01", 2, frozenset()),
        Point("", 1, frozenset()),
    ]
    picture.save(tmp_path / "a.svg", found)
    whole = ElementTree.fromstring((tmp_path / "a.svg").read_text(encoding="utf-8"))
    texts = [node.text for node in whole.iter(f"{SVG}text")]
    assert texts[0] == "1 of 4 packages need no extra for a migration"
    for text in ("services/py/<&>", "done", "1 in place of 2", "2026-01-01", "now: 1", "blocked"):
        assert text in texts
    # Nothing is drawn outside, and nothing is loaded from elsewhere.
    width, height = float(whole.attrib["width"]), float(whole.attrib["height"])
    for node in whole.iter():
        if "x" in node.attrib:
            right = float(node.attrib["x"]) + float(node.attrib.get("width", 0))
            assert 0 <= float(node.attrib["x"]) <= right <= width
            assert 0 <= float(node.attrib["y"]) <= height
    assert "href" not in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.glob("*.svg*")] == ["a.svg"]


def test_a_picture_of_nothing() -> None:
    whole = ElementTree.fromstring(picture.draw(Report([], [], [], [])))
    assert [node.text for node in whole.iter(f"{SVG}text")] == ["No extra for a migration is left"]
    whole = ElementTree.fromstring(picture.draw(Report([], [], [Point("", 0, frozenset())], [])))
    assert len([*whole.iter(f"{SVG}path")]) == 2
