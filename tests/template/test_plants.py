"""The rules find the violations that they claim to find, and nothing in innocent twins."""

import ast
import json
import random
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.plants import bed, grammar
from benchmarks.plants.bed import Outcome
from benchmarks.plants.planting import Plant, Tree
from monorepo.guard import catalog
from monorepo.guard.findings import Finding
from tests.template.baking import rendered

# What stands in a file that nobody can read.
BROKEN = {"unreadable"}


@pytest.fixture(scope="module")
def plants() -> list[Plant]:
    root = rendered(repo_name="acme-platform", packages=bed.PACKAGES)
    return grammar.grown(Tree(root), random.Random(0))


def test_there_are_plants_of_all_rules_and_they_differ(plants: list[Plant]) -> None:
    assert {plant.rule for plant in plants} >= set(catalog.RULES)
    assert len({plant.key for plant in plants}) == len(plants)
    assert sum(not plant.twin for plant in plants) >= 600
    assert not [plant for plant in plants if plant.twin and plant.claim]


def test_a_seed_makes_the_same_plants(plants: list[Plant]) -> None:
    root = rendered(repo_name="acme-platform", packages=bed.PACKAGES)
    again = grammar.grown(Tree(root), random.Random(0))
    assert [plant.key for plant in again] == [plant.key for plant in plants]
    others = grammar.grown(Tree(root), random.Random(1))
    assert {plant.key for plant in others} != {plant.key for plant in plants}


def test_code_and_notebooks_of_plants_can_be_read(plants: list[Plant]) -> None:
    for plant in plants:
        for path, text in plant.edits.items():
            if plant.rule not in BROKEN and isinstance(text, str):
                if path.endswith((".py", ".pyi")):
                    ast.parse(text)
                elif path.endswith(".ipynb"):
                    assert json.loads(text)["nbformat"] == 4


def test_an_error_counts_of_the_rule_and_at_the_place_alone() -> None:
    plant = Plant("thin", "x", {"a/b.py": ""}, ("a/b.py",), "a sentence")

    def group(path: str, rule: str, status: str = "error", message: str = "x") -> str:
        return Outcome(plant, (Finding(path, 1, rule, message, "y", status),)).group

    assert group("a/b.py", "thin.long") == "found"
    assert group("a/c.py", "thin.long") == "other"
    assert group("a/b.py", "layers") == "other"
    assert group("a/b.py", "thin", "warn") == "warned"
    assert group("a/b.py", "thin", message=f"{bed.CRASH} (KeyError)") == "crashed"
    assert Outcome(plant, ()).group == "missed"
    assert Outcome(plant, (), "UsageError: x").group == "crashed"


@pytest.mark.slow
def test_rules_find_what_they_claim_and_nothing_in_twins(tmp_path: Path) -> None:
    root = bed.made(tmp_path)
    chance = random.Random(0)
    by_rule: dict[str, list[Plant]] = defaultdict(list)
    for plant in grammar.grown(Tree(root), chance):
        by_rule[plant.rule].append(plant)
    # As many of each rule, so that none can fall silent among those with more plants.
    sample = [one for some in by_rule.values() for one in chance.sample(some, min(7, len(some)))]
    outcomes = list(bed.outcomes(root, sample))
    assert [one.told(whole=False) for one in outcomes if one.group == "twins"] == []
    claimed = [one for one in outcomes if one.plant.claim]
    found = {one.plant.rule for one in claimed if one.group == "found"}
    assert by_rule.keys() - found == set()
    missed = [one.told(whole=False) for one in claimed if one.group != "found"]
    assert len(missed) <= 0.05 * len(claimed), "\n".join(missed)
