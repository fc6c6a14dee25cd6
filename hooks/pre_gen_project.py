"""Checks every answer before anything is rendered."""

import json
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("cookiecutter-monorepo: Python 3.11 or newer is needed; run cookiecutter under one")

ANSWERS = json.loads(<< cookiecutter|tojson|tojson >>)
sys.path.insert(0, str(Path(json.loads(<< template_folder|tojson|tojson >>), "src")))
# Another run would copy what this one is compiling.
sys.dont_write_bytecode = True

from monorepo.scaffold import answers
from monorepo.templating import template

mistakes = template.line_endings()
mistakes += answers.mistakes({key: ANSWERS[key] for key in answers.QUESTIONS})
for mistake in mistakes:
    print(f"cookiecutter-monorepo: {mistake}", file=sys.stderr)
sys.exit(2 if mistakes else 0)
