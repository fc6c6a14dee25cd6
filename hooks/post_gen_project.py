"""Adds the first packages, through the code that adds every later one, and starts the history."""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(<< cookiecutter|tojson|tojson >>)
sys.path.insert(0, json.loads(<< template_folder|tojson|tojson >>))

from hooks import finish

try:
    finish.finish(Path.cwd(), ANSWERS)
except (finish.UsageError, OSError) as error:
    sys.exit(f"cookiecutter-monorepo: {error}")
