"""Documents in EDN as people write them, and as nobody should: for readers to agree about."""

from collections.abc import Mapping, Set

from hypothesis import strategies as st

from monorepo.edn.reader import Keyword, Symbol

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(_LETTERS + "*!_?$%&=<>"),
    st.text(_LETTERS + "0123456789.*!_?$%&=<>+-", max_size=6),
)
_QUALIFIED = st.one_of(_NAMES, st.builds("{}/{}".format, _NAMES, _NAMES))
KEYWORDS = st.builds(Keyword, _QUALIFIED)
SYMBOLS = st.builds(Symbol, _QUALIFIED.filter(lambda text: text not in ("nil", "true", "false")))
STRINGS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t"))
# Those of JavaScript are exact.
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value % 1 != 0)
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, STRINGS, KEYWORDS, SYMBOLS)
_KEYS = st.one_of(KEYWORDS, STRINGS, INTEGERS, SYMBOLS)


def _step(key: object) -> object:
    return key.text if isinstance(key, Keyword | Symbol) else key


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(_KEYS, inner), max_size=4, unique_by=lambda pair: _step(pair[0])).map(
            dict
        ),
        st.lists(_KEYS, max_size=4, unique_by=_step).map(frozenset),
    ),
    max_leaves=15,
)

_BLANKS = st.lists(
    st.sampled_from([" ", "  ", "\n", "\t", ",", ", ", "; a [comment\n", " #_ [1 2] ", " #_:x "]),
    max_size=2,
).map(lambda parts: "".join(parts) or " ")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t"}


@st.composite
def spellings(draw: st.DrawFn, value: object) -> str:
    """Return one of the many texts that a value has."""
    if isinstance(value, str):
        escaped = "".join(_ESCAPES.get(letter, letter) for letter in value)
        return f'"{escaped}"'
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        start, end = "{", "}"
        items = [item for pair in value.items() for item in pair]
    elif isinstance(value, Set):
        start, end, items = "#{", "}", list(value)
    elif isinstance(value, list):
        start, end, items = *draw(st.sampled_from(["[]", "()"])), value
    else:
        return str(value)
    words = [text for item in items for text in (draw(spellings(item)), draw(_BLANKS))]
    return start + draw(st.sampled_from(["", " "])) + "".join(words) + end


DOCUMENTS = VALUES.flatmap(lambda value: st.tuples(st.just(value), spellings(value)))

# What is nearly EDN: each of these words somewhere in a collection.
_WORDS = (
    *(":a/b/c", "@foo", "08", "1/0", "1/2", "0x1F", "1N", "1.5M", ":", ":1a", "::a", ":a/", "a:"),
    *("#inst", "#:ns{:a 1}", "#_", "\\a", "##Inf", "'a", "^a", '"', '"\\q"', "#?(a 1)", "#{1 1}"),
    *("{:a 1 :a 2}", "{:a}", "]", "}", ")", "[", "{", "(", "1.", "1a", "+1", "-0", "1e5", "#'a"),
    *(
        "nil",
        "1",
        ":a",
        "sym",
        '"s"',
        "[1]",
        "{}",
        "true",
        "#{}",
        ";c\n",
        "#_1",
        "99999999999999999999",
    ),
)
ROUGH = st.lists(st.sampled_from(_WORDS), max_size=6).flatmap(
    lambda words: st.sampled_from(["{}", "[{}]", "{{:a {}}}", "#{{{}}}"]).map(
        lambda frame: frame.format(" ".join(words))
    )
)
