"""A team goes over to manifests in EDN, one package after the other; and reads what nbb reads."""

import json
import shutil
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, given

from monorepo.edn import reader
from monorepo.edn.reader import EdnError, Keyword, Symbol
from tests.edn_documents import DOCUMENTS, ROUGH
from tests.template.baking import attempt, bake, changed, commit, edit, run

pytestmark = pytest.mark.slow

CORE, NODE_CORE = "shared/py/core", "shared/js/core"
# A reader of EDN that has nothing in common with ours. It prints each document as JSON, in which a
# value says what it is, or null for one that it refuses.
NBB = "nbb@1.6.214"
SCRIPT = """\
(ns read (:require [clojure.edn :as edn] ["fs" :as fs]))
(defn plain [value]
  (cond (keyword? value) ["keyword" (subs (str value) 1)]
        (symbol? value) ["symbol" (str value)]
        (map? value) ["map" (map (fn [[key inner]] [(plain key) (plain inner)]) value)]
        (set? value) ["set" (map plain value)]
        (sequential? value) ["vector" (map plain value)]
        :else ["is" value]))
(def texts (js->clj (js/JSON.parse (fs/readFileSync "texts.json" "utf8"))))
(defn read-one [text] (try (plain (edn/read-string text)) (catch :default _ nil)))
(println (js/JSON.stringify (clj->js (map read-one texts))))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo without manifests, with its tools."""
    root = bake(tmp_path_factory.mktemp("derive"), packages=f"{CORE} {NODE_CORE}")
    run(root, "make", "setup")
    commit(root)
    return root


def test_a_team_goes_over_to_manifests(root: Path) -> None:
    shown = run(root, "make", "derive", f"PKG={CORE}", "DRY_RUN=1")
    assert f"+ {CORE}/package.edn" in shown
    assert changed(root) == ""
    said = run(root, "make", "derive", f"PKG={CORE} {NODE_CORE}")
    assert f"wrote {NODE_CORE}/package.edn" in said
    commit(root)
    # What reads them is there by now, and all that holds for a repository still does.
    assert run(root, "make", "sync").endswith("all is as the manifests say\n")
    run(root, "make", "format", "check", "lock-check")
    assert changed(root) == ""
    run(root, "make", "new", "AT=shared/py/mix", f"DEPS={CORE}")
    text = (root / "shared/py/mix/package.edn").read_text(encoding="utf-8")
    assert ':deps/base [{:pkg "acme-core"}]\n' in text
    assert run(root, "make", "sync", "CHECK=1").endswith("all is as the manifests say\n")
    again = attempt(root, "make", "derive", f"PKG={CORE}")
    assert again.returncode == 2
    assert f"monorepo: {CORE}/package.edn: is there already; " in again.stdout
    commit(root)
    edit(root / "shared/py/mix/package.edn", '"Mix"', ':mix :lang :x :a/b/c "y"')
    edit(root / f"{NODE_CORE}/package.edn", '"catalog:"', "catalog")
    wrong = attempt(root, "make", "sync", "CHECK=1")
    assert wrong.returncode == 2
    for place in (
        "shared/py/mix/package.edn:4:2: the key :lang is there twice; ",
        "shared/py/mix/package.edn:3:37: :a/b/c is not a keyword; ",
        f"{NODE_CORE}/package.edn:5:22: is not a range; ",
    ):
        assert f"monorepo: {place}" in wrong.stdout, wrong.stdout


def plain(value: object) -> object:
    """Return a value as `SCRIPT` prints it, with what has no order in one."""
    if isinstance(value, Keyword | Symbol):
        return (type(value).__name__.lower(), value.text)
    if isinstance(value, dict):
        return ("map", frozenset((plain(key), plain(inner)) for key, inner in value.items()))
    if isinstance(value, frozenset):
        return ("set", frozenset(map(plain, value)))
    if isinstance(value, list):
        return ("vector", tuple(map(plain, value)))
    return ("is", value)


def printed(found: list[object]) -> object:
    """Return what `SCRIPT` has printed of a value, in the form of `plain`."""
    kind, value = found
    if kind in ("keyword", "symbol", "is"):
        return (kind, value)
    assert isinstance(value, list)
    if kind == "map":
        return (kind, frozenset((printed(key), printed(inner)) for key, inner in value))
    inner = map(printed, value)
    return (kind, frozenset(inner) if kind == "set" else tuple(inner))


def documents() -> list[str]:
    """Return documents of all kinds, good and bad ones."""
    texts: list[str] = []

    @given(DOCUMENTS.map(lambda pair: pair[1]) | ROUGH)
    @hypothesis.settings(max_examples=500, suppress_health_check=list(HealthCheck))
    def keep(text: str) -> None:
        texts.append(text)

    keep()
    return texts


def test_what_is_read_is_what_nbb_reads(root: Path, tmp_path: Path) -> None:
    texts = documents()
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (tmp_path / "read.cljs").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    tools = root / ".venv/bin"
    env = {"PATH": f"{tools}:{Path(shutil.which('env') or '/usr/bin/env').parent}"}
    run(tmp_path, tools / "npm", "install", "--no-audit", "--no-fund", NBB, env=env)
    said = run(tmp_path, tools / "node", "node_modules/nbb/cli.js", "read.cljs", env=env)
    found = json.loads(said)
    read = 0
    for text, theirs in zip(texts, found, strict=True):
        try:
            ours = reader.read(text).value
        except EdnError:
            continue
        # It may refuse less than ours, and nothing that ours reads.
        assert theirs is not None, text
        assert plain(ours) == printed(theirs), text
        read += 1
    assert read > len(texts) / 3
    assert found.count(None) > len(texts) / 10
