import os

import pytest

from {{ cookiecutter.import_name }} import machine


def test_what_is_there_is_enough() -> None:
    needed = {"cpu": 1, "gpu": 1, "npu": 2}

    assert machine.lacks(needed, {"GPU": "true", "NPU": "2"}) == ""
    assert machine.lacks({"cpu": 0, "gpu": 0, "npu": 0}, {"GPU": "false"}) == ""


def test_all_that_lacks_is_named() -> None:
    found = machine.lacks({"cpu": 2048, "gpu": 1, "npu": 3}, {"GPU": "false", "NPU": "2"})

    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert found == (
        f"needs 2048 cpu, this machine has {there}, "
        "needs 1 gpu, this machine has 0 (GPU=<n> overrides what is found), "
        "needs 3 npu, this machine has 2 (NPU=<n> overrides what is found)"
    )


@pytest.mark.parametrize(("said", "lacks"), [("1", False), ("TRUE", False), ("0", True)])
def test_the_environment_says_what_is_there(said: str, lacks: bool) -> None:
    assert bool(machine.lacks({"gpu": 1}, {"GPU": said})) == lacks


def test_what_the_environment_does_not_say_is_looked_up() -> None:
    # Whether this machine has a GPU or not: it has no thousand.
    assert "needs 1000 gpu, this machine has " in machine.lacks({"gpu": 1000}, {"GPU": ""})
