"""Checks every answer before anything is rendered."""

import json
import sys

if sys.version_info < (3, 11):
    sys.exit("cookiecutter-monorepo: Python 3.11 or newer is needed; run cookiecutter under one")

ANSWERS = json.loads(<< cookiecutter|tojson|tojson >>)
sys.path.insert(0, json.loads(<< template_folder|tojson|tojson >>))

from hooks import answers, tooling

mistakes = tooling.line_endings()
mistakes += answers.mistakes({key: ANSWERS[key] for key in answers.QUESTIONS})
for mistake in mistakes:
    print(f"cookiecutter-monorepo: {mistake}", file=sys.stderr)
sys.exit(2 if mistakes else 0)
