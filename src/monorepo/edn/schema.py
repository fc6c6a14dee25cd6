"""JSON Schemas of manifests, for editors and other programs. A keyword is a string there."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue


class _Generator(GenerateJsonSchema):
    """The generator of pydantic, without titles that only repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401
        found = super().model_schema(schema)
        found.pop("title", None)
        return found


def text(adapter: TypeAdapter[Any], title: str) -> str:
    """Return the JSON Schema of what `adapter` reads, as the text of a file."""
    schema = adapter.json_schema(schema_generator=_Generator)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    whole = {"$schema": dialect, "title": title, **schema}
    return f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n"
