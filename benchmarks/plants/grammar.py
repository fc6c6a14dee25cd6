"""All plants of all rules."""

import random

from benchmarks.plants import commands, javascript, manifests, paths, python_code, repository
from benchmarks.plants.planting import Plant, Tree, distinct

PARTS = (python_code, javascript, paths, manifests, commands, repository)


def grown(tree: Tree, rng: random.Random, share: float = 1.0) -> list[Plant]:
    """Return plants of all rules, by the chance of a seed; with `share`, only a part of them."""
    return distinct(plant for part in PARTS for plant in part.plants(tree, rng, share))
