"""Adds the first packages, through the code that adds every later one, and starts the history."""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(<< cookiecutter|tojson|tojson >>)
sys.path.insert(0, str(Path(json.loads(<< template_folder|tojson|tojson >>), "src")))
# Another run would copy what this one is compiling.
sys.dont_write_bytecode = True

from monorepo.scaffold import completion
from monorepo.system.errors import UsageError

try:
    completion.finish(Path.cwd(), ANSWERS)
except (UsageError, OSError) as error:
    sys.exit(f"cookiecutter-monorepo: {error}")
