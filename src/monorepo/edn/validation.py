"""Check EDN against pydantic models: each error becomes a mistake at its line and column."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    TypeAdapter,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from monorepo.edn import reader, writer
from monorepo.edn.reader import Document, EdnError, Keyword, Mistake, Symbol

# What pydantic ends the path of a key with.
_KEY = ("[key]",)

# The steps to a value: texts of keys, and indexes.
Path = tuple[str | int, ...]
T = TypeVar("T")
Word = TypeVar("Word")


def _key(field: str) -> str:
    """Return the key of a field: EDN has dashes between words."""
    return field.replace("_", "-")


class Record(BaseModel):
    """A map with known keys. Code names its fields in Python's words, a text by its keys."""

    model_config = ConfigDict(
        alias_generator=_key, validate_by_name=True, extra="forbid", frozen=True, strict=True
    )


def _keyword(value: object, info: ValidationInfo) -> object:
    """Return the text of a keyword. In a text, a string is none."""
    if info.context and isinstance(value, str):
        raise wrong(f"{_shown(value)} is a string", f"write :{value}")
    return value.text if isinstance(value, Keyword) else value


# A value that is a keyword in a text: `lang: KeywordOf[Literal["python", "node"]]`.
KeywordOf = Annotated[Word, BeforeValidator(_keyword)]


class WrongError(ValueError):
    """What a validator raises: mistakes, each with the path from the value that it looks at."""

    def __init__(self, *mistakes: tuple[Path, str, str]) -> None:
        """Keep path, message and fix of each."""
        super().__init__("; ".join(message for _, message, _ in mistakes))
        self.mistakes = mistakes


def wrong(message: str, fix: str) -> WrongError:
    """Return the error that a validator raises for a mistake in the value itself."""
    return WrongError(((), message, fix))


def chosen(by: Callable[[Any], str | None], message: str, fix: str, at: str = "") -> Discriminator:
    """Return what tells the members of a union apart; each has a `Tag`.

    Args:
        by: gives the tag for a value; none, or None, if it fits no member.
        message: what is wrong then.
        fix: what to do about it.
        at: the key in the value at which that is told.
    """
    return Discriminator(
        by,
        custom_error_type="chosen",
        custom_error_message=message,
        custom_error_context={"fix": fix, "at": at},
    )


def validate(adapter: TypeAdapter[T], text: str, path: str) -> T:
    """Read a text that is a map, and return the model that it is.

    Args:
        adapter: of a `Record`, or of a union of them.
        text: EDN.
        path: that of the file, for messages.

    Raises:
        UsageError: it is not; with all mistakes, each with line and column.
    """
    try:
        document = reader.read(text)
        if not isinstance(document.value, dict):
            raise EdnError((Mistake(*document.position(()), "is not a map", "write {:key value}"),))
        try:
            plain = _plain(document.value)
            return adapter.validate_python(plain, context=True, by_alias=True, by_name=False)
        except pydantic.ValidationError as error:
            known = _known(adapter)
            details = error.errors(include_url=False)
            found = (one for detail in details for one in _mistakes(document, detail, known))
            # The time for the place of one grows with the text.
            raise EdnError(tuple(sorted({*islice(found, reader.MOST)}))) from error
    except EdnError as error:
        raise error.of(path) from error


@cache
def _known(adapter: TypeAdapter[Any]) -> frozenset[str]:
    """Return all keys of the models of an adapter."""
    return _keys(adapter.json_schema())


def _plain(value: object) -> object:
    """Return a value as models want it: texts as keys, tuples as vectors."""
    if isinstance(value, dict):
        return {
            name.text if isinstance(name, Keyword | Symbol) else name: _plain(inner)
            for name, inner in value.items()
        }
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def _mistakes(document: Document, detail: ErrorDetails, known: frozenset[str]) -> Iterator[Mistake]:
    """Yield the mistakes that an error of pydantic stands for."""
    path, context = detail["loc"], detail.get("ctx", {})
    error = context.get("error")
    if isinstance(error, WrongError):
        for inner, message, fix in error.mistakes:
            yield Mistake(*_place(document, (*path, *inner)), message, fix)
    elif detail["type"] == "chosen":
        place = document.position((*path, context["at"]))
        yield Mistake(*place, detail["msg"], context["fix"])
    else:
        yield _of_pydantic(document, detail, known)


def _place(document: Document, path: Path) -> tuple[int, int]:
    """Return line and column of the value at a path, or of its key if that is wrong."""
    if path[-1:] == _KEY:
        return document.key_position(path)
    return document.position(path)


def _of_pydantic(document: Document, detail: ErrorDetails, known: frozenset[str]) -> Mistake:
    """Return the mistake that is an error of pydantic's own."""
    path, kind = detail["loc"], detail["type"]
    value = path[-2] if path[-1:] == _KEY else document.at(path)
    if kind == "extra_forbidden":
        *_, name = path
        close = difflib.get_close_matches(str(name), known - {name}, 1, 0.75)
        fix = f"write :{close[0]}" if close and name not in known else "remove it"
        return Mistake(*document.key_position(path), f":{name} is not a key here", fix)
    if kind == "missing":
        return Mistake(*document.position(path), f"has no :{path[-1]}", "write it")
    if kind in _TYPES:
        message, fix = f"{_shown(value)} is not {_TYPES[kind]}", "correct it"
    elif kind == "literal_error":
        expected = str(detail["ctx"]["expected"]).replace("'", "")
        words = re.sub(r"\w+(?=,| or |$)", lambda word: f":{word[0]}", expected)
        message, fix = f"{_shown(value)} is none of the words here", f"write {words}"
    else:
        message, fix = f"{_shown(value)}: {detail['msg'].lower()}", "correct it"
    return Mistake(*_place(document, path), message, fix)


_TYPES = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a vector",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


def _keys(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of all properties in a JSON Schema."""
    found = set(schema.get("properties", {}))
    for inner in schema.values():
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                found |= _keys(one)
    return frozenset(found)


def _shown(value: object) -> str:
    """Return a value for a message."""
    text = writer.flat(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
