"""Runs in a process of its own, with the engine of another version: renders what that gives.

Its arguments are the folder with that engine and the environment's site-packages. It reads what is
wanted as JSON, and prints the result as JSON; see `rendering.render`. Imports the standard library
alone before that engine is found.
"""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> int:
    """Render, or write the wheel of that engine; return the exit code."""
    engine, site = sys.argv[1:]
    sys.path.insert(0, engine)
    sys.path.append(site)
    # Nothing is left in a folder that is somebody's.
    sys.dont_write_bytecode = True
    wanted = json.load(sys.stdin)
    from monorepo.system.errors import UsageError

    try:
        made = _make(wanted, Path(wanted["out"]))
    except UsageError as error:
        made = {"mistakes": [str(mistake) for mistake in error.mistakes]}
    # A template that is broken may raise anything.
    except Exception as error:
        reason = " ".join(str(error).split())
        made = {"failure": f"{type(error).__name__}: {reason}"}
    json.dump(made, sys.stdout)
    return 0


def _make(wanted: Mapping[str, Any], out: Path) -> dict[str, Any]:
    if wanted["wheel"]:
        from monorepo.scaffold import wheel

        return {"wheel": str(wheel.write(out))}
    try:
        from monorepo.upgrading import rendering
    except ImportError:
        rendering = _for_0_2()
    return dict(rendering.render(wanted, out))


def _for_0_2() -> Any:  # noqa: ANN401 (a module)
    """Return the module that renders, for version 0.2, which came before it."""
    names = ("scaffold.addition", "scaffold.record", "templating.sub_templates")
    addition, record, sub_templates = (importlib.import_module(f"monorepo.{one}") for one in names)

    def render(space: Any, target: Path, path: str, kind: str, **given: Any) -> object:  # noqa: ANN401
        told = sub_templates.facts(space, path) | {"dependencies": given["dependencies"]}
        questions = sub_templates.read(space.root, kind)
        if "_port" in questions:
            told["port"] = given["port"] or addition._free_port(space, questions["_port"])
        folder = sub_templates.folder(space.root, kind)
        said = sub_templates.answer(folder, questions, told, given["answers"])
        sub_templates.render(folder, target / path, told, questions, said)
        record.write(target / path, record.of(folder, told, said))
        made = addition._with(space, addition._made(target, path, told, space.root))
        fragments = dict(sub_templates.fragments(folder, questions, told))
        return SimpleNamespace(space=made, answers=said, fragments=fragments)

    vars(addition).update(
        render=render, dependency=addition._dependency, appended=addition._appended
    )
    beside = Path(__file__).with_name("rendering.py")
    found = importlib.util.spec_from_file_location("rendering", beside)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
