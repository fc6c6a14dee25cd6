"""Makes the generated monorepo's own tooling importable, wherever the template lies."""

import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
TOOLING = next(TEMPLATE.glob("*cookiecutter.repo_name*/tools/src"))

sys.path.insert(0, str(TOOLING))
# Another run would copy what this one is compiling.
sys.dont_write_bytecode = True
