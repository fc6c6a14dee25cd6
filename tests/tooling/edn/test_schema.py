"""The JSON Schemas in docs are those of the models."""

from scripts.schemas import DOCS, schemas


def test_docs_have_the_schemas_of_the_models() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in DOCS.glob("*.schema.json")}
    assert written == schemas(), "run make schemas"
