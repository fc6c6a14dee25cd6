"""Names: what is accepted works everywhere, and what is refused is told why."""

import importlib.util
import keyword
import re
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, is_normalized_name

from monorepo.core import languages, naming
from tests.examples import times

words = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)


@pytest.mark.parametrize("name", ["a", "audio", "a1", "text-to-speech", "x" * 64])
def test_a_good_name_is_accepted(name: str) -> None:
    assert naming.problem(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (" \t\n", "is empty"),
        ("x" * 65, "65 characters"),
        ("x" * 10_000, "10000 characters"),
        ("class", "keyword"),
        ("none", "keyword"),
        ("match", "keyword"),
        ("test", "reserved"),
        ("tests", "reserved"),
        ("con", "reserved"),
        ("aux", "reserved"),
        ("com1", "reserved"),
        ("node-modules", "reserved"),
        ("a-", "dash"),
        ("a--b", "dash"),
    ],
)
def test_a_bad_name_is_refused_and_told_why(name: str, why: str) -> None:
    assert why in str(naming.problem(name))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "naïve",
            "\N{CYRILLIC SMALL LETTER A}pi",
            "a\N{GRINNING FACE}",
            "a\u202eb",
            "ﬁx",
            "Core",
            "1abc",
            "_x",
            ".x",
        ),
        *("-x", "-rf", "--help", "a.b", "a b", "a_b", "audio\n", "\naudio", "a\x00", "a\tb"),
        *("../x", "/abs", "a/b", "a\\b", "..", "~", "C:", "a;b", "a`b`", "$(touch P)", "$$x"),
        *("a'b", 'a"b', 'a"; import os #', "{{ 7*7 }}", "{% raw %}", "a|b", "a&b", "a#b", "%x"),
    ],
)
def test_anything_but_letters_digits_and_dashes_is_refused(name: str) -> None:
    assert "is not a name" in str(naming.problem(name))


@pytest.mark.parametrize("name", ["build", "dist", "venv", "site-packages"])
def test_folders_that_tools_leave_out_are_refused(name: str) -> None:
    assert "is reserved" in str(naming.problem(name))


@times(2)
@given(st.one_of(words, st.text(max_size=70)))
def test_an_accepted_name_is_good_everywhere(name: str) -> None:
    assume(naming.problem(name) is None)
    module = name.replace("-", "_")
    assert module.isascii() and module.isidentifier() and not keyword.iskeyword(module)
    assert is_normalized_name(name) and canonicalize_name(name) == name
    # npm: at most 214 characters, and safe in an address as it is.
    assert re.fullmatch(r"[a-z0-9-]{1,64}", name)
    assert importlib.util.spec_from_loader(f"tiny_{module}", None) is not None


@given(st.text())
def test_a_problem_is_one_line_with_a_way_out(name: str) -> None:
    wrong = naming.problem(name)
    assert wrong is None or (len(wrong.splitlines()) == 1 and "; " in wrong)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("shared/py/audio", "acme-audio"),
        ("shared/js/audio", "acme-audio"),
        ("services/py/api", "acme-svc-api"),
        ("services/js/web", "acme-svc-web"),
    ],
)
def test_the_path_tells_the_name(path: str, name: str) -> None:
    assert naming.path_problem(path, "acme") is None
    assert naming.distribution("acme", path) == name


@pytest.mark.parametrize("area", languages.AREAS)
def test_what_a_package_is_called_need_be_no_name_of_a_module(area: str) -> None:
    words = [*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names]
    good = {f"{area}/{word}" for word in words if re.fullmatch("[a-z][a-z0-9]*", word)}
    wrong = {path: naming.path_problem(path, "acme") for path in good}
    assert {path: why for path, why in wrong.items() if why and "reserved" not in why} == {}
    assert f"{area}/site" in good and f"{area}/class" in good


def test_what_is_imported_shadows_no_module() -> None:
    assert "shadow sre_parse" in str(naming.path_problem("shared/py/parse", "sre"))
    assert naming.path_problem("shared/js/parse", "sre") is None
    assert naming.path_problem("services/py/parse", "sre") is None


@pytest.mark.parametrize(
    "path",
    [
        *("", "audio", "shared/audio", "shared/py", "shared/py/", "shared/py/a/b", "/shared/py/a"),
        *("../shared/py/a", "shared/../py/a", "shared//py/a", "shared\\py\\a", "misc/py/a"),
        *("shared/go/a", "Shared/py/a", "shared/py/a\n", "shared/py/..", "shared/py/test"),
        *("shared/py/svc-api", f"shared/py/{'x' * 62}", f"services/py/{'x' * 60}"),
    ],
)
def test_no_other_path_is_a_packages(path: str) -> None:
    assert naming.path_problem(path, "acme")


@given(st.sets(st.tuples(st.sampled_from(languages.AREAS), words), min_size=2, max_size=6))
def test_two_paths_of_one_language_never_share_a_name(paths: set[tuple[str, str]]) -> None:
    for language in ("py", "js"):
        good = [f"{area}/{name}" for area, name in paths if area.endswith(language)]
        good = [path for path in good if naming.path_problem(path, "acme") is None]
        assert len({naming.fold(naming.distribution("acme", path)) for path in good}) == len(good)


@given(st.text("aB-_.", max_size=8))
def test_names_fold_as_the_index_folds_them(name: str) -> None:
    assert naming.fold(name) == canonicalize_name(name)
    assert naming.fold(naming.fold(name)) == naming.fold(name)


def test_a_name_clashes_with_its_likes() -> None:
    assert naming.clash("shared-core", ["audio", "Shared_Core"]) == "Shared_Core"
    assert naming.clash("core", ["cores", "a-core"]) is None


@given(st.text())
def test_what_is_shown_fits_on_a_line(value: str) -> None:
    shown = naming.show(value)
    assert shown.isascii() and shown.isprintable() and len(shown) <= naming.LONGEST
    assert len(ascii(value)) > naming.LONGEST or shown == ascii(value)


@given(
    words,
    words,
    st.sampled_from(languages.AREAS),
    st.sampled_from([False, True]),
)
def test_a_path_in_the_flat_layout_leads_back(
    namespace: str, name: str, area: str, twin: bool
) -> None:
    kind, language = languages.kind_of(area), languages.of(area)
    path = f"{kind}/{language}/{name}"
    assume(not naming.path_problem(path, namespace))
    there = naming.flat(namespace, path, twin=twin)
    own = naming.package_name(namespace, path)
    assert naming.grouped(namespace, there, kind, language, own) == path
    assert there.startswith(f"packages/{naming.distribution(namespace, path)}")
    assert naming.twin(path) == f"{kind}/py/{name}"
