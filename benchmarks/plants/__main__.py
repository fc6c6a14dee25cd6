"""Plant violations in a monorepo, one at a time, and say what the rules find of them.

    make plants
    make plants ARGS="--seed 7 --rule layers --show missed"

The monorepo is baked and installed in a folder that is gone afterwards; `--at` keeps it, and takes
it again.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import words as asked
from benchmarks.plants import bed, grammar
from benchmarks.plants.bed import Outcome
from benchmarks.plants.planting import Tree


def main(words: Sequence[str] | None = None) -> None:
    """Plant, look, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rule", action="append", help="only plants of this rule")
    parser.add_argument("--at", type=Path, help="keep the monorepo in this folder")
    parser.add_argument("--share", type=float, default=1.0, help="how much of the grammar, 0 to 1")
    shown = ("missed", "unclaimed", "other", "twins", "found", "one")
    parser.add_argument("--show", action="append", choices=shown, default=[])
    parser.add_argument("--plant", action="append", help="only the plants with this key, in full")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        root = bed.made(options.at.resolve() if options.at else Path(folder))
        plants = grammar.grown(Tree(root), random.Random(options.seed), options.share)
        if options.rule:
            plants = [plant for plant in plants if plant.rule in options.rule]
        if options.plant:
            plants = [plant for plant in plants if plant.key in options.plant]
        outcomes: list[Outcome] = []
        for outcome in bed.outcomes(root, plants):
            outcomes.append(outcome)
            if options.plant or outcome.group in options.show:
                print(outcome.told(whole=bool(options.plant)), flush=True)
    print(bed.table(outcomes))
    claimed = [one for one in outcomes if one.plant.claim]
    found = sum(one.group == "found" for one in claimed)
    told = sum(one.group == "twins" for one in outcomes)
    print(
        f"\n{found} of {len(claimed)} that are claimed were found, {told} false alarms", flush=True
    )


if __name__ == "__main__":
    main(asked())
