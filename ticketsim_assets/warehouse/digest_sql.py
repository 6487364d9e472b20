"""The digest of receipts in SQL: `simulator.digest`, generated for both engines from the same fields and numbers.

Warehouses may hold what no message can: every step stays within 63 bits whatever the values are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from simulator.digest import (
    CONTENT_FIELDS,
    DIGEST_MODULUS,
    KEYS,
    MAX_FACTOR,
    TERMS,
    TEXT_DIGITS,
    WEIGHT_MODULUS,
    number_of_text,
)
from simulator.events import ACTIVITY_TYPES, Field

Engine = Literal["duckdb", "bigquery"]

#: Terms that can be summed before the sum is reduced.
_TERMS_AT_ONCE: Final = 2**63 // (WEIGHT_MODULUS * (MAX_FACTOR + 1)) - 1

_FUNCTIONS: Final[Mapping[Engine, Mapping[str, Callable[[str], str]]]] = {
    "duckdb": {
        "md5": lambda text: f"md5({text})",
        "microseconds": lambda time: f"epoch_us({time})",
        "integer_or_null": lambda text: f"try_cast({text} as bigint)",
    },
    "bigquery": {
        "md5": lambda text: f"to_hex(md5({text}))",
        "microseconds": lambda time: f"unix_micros({time})",
        "integer_or_null": lambda text: f"safe_cast({text} as bigint)",
    },
}


def sequence_expression(engine: Engine) -> str:
    """Return the expression of an event's sequence number, which `weight_expression` expects as ``sequence``.

    It is null, or any number, where event_id is not written as the contract says.
    """
    return _FUNCTIONS[engine]["integer_or_null"]("substr(event_id, length(run_id) + length(venue_id) + 3)")


def weight_expression(engine: Engine) -> str:
    """Return the expression of the weight of a row of raw.events that has the column ``sequence``, too."""
    activities = [field for field in CONTENT_FIELDS if field.required & {*ACTIVITY_TYPES}]
    others = [field for field in CONTENT_FIELDS if field not in activities]
    # Hardly any row has these: looking whether it has any costs less than to calculate them all.
    none = " and ".join(f"{field.name} is null" for field in others)
    rest = f"case when {none} then 0 else {_sum(engine, others)} end"
    total = f"mod({_sum(engine, activities)} + {rest}, {WEIGHT_MODULUS})"
    return f"mod({total} + {WEIGHT_MODULUS}, {WEIGHT_MODULUS})"


def keys_weight_expression(engine: Engine) -> str:
    """Return the expression of the weight of a receipt's keys; ``event_type`` is the type that it counts."""
    terms = (_text(engine, name, tuple(ACTIVITY_TYPES) if name == "event_type" else ()) for name in KEYS)
    return f"mod({' + '.join(terms)}, {WEIGHT_MODULUS})"


def square_expression(weight: str) -> str:
    """Return the expression of what ``weight``, a column, adds to a digest."""
    return f"mod({weight} * {weight}, {DIGEST_MODULUS})"


def _sum(engine: Engine, fields: Sequence[Field]) -> str:
    """Return the expression of the sum of the fields' terms, reduced in parts."""
    terms = list(_terms(engine, fields))
    parts = (terms[first : first + _TERMS_AT_ONCE] for first in range(0, len(terms), _TERMS_AT_ONCE))
    return " + ".join(f"mod({' + '.join(part)}, {WEIGHT_MODULUS})" for part in parts)


def _terms(engine: Engine, fields: Sequence[Field]) -> Iterator[str]:
    for field in fields:
        if field.name == "event_id":
            yield _event_id(engine)
        elif field.kind == "string":
            yield _text(engine, field.name, field.allowed)
        else:
            yield f"coalesce({_term(field.name, _number(engine, field))}, 0)"


def _number(engine: Engine, field: Field) -> str:
    if field.kind == "time":
        return _FUNCTIONS[engine]["microseconds"](field.name)
    return f"cast({field.name} as bigint)" if field.kind == "bool" else field.name


def _term(name: str, number: str) -> str:
    term = TERMS[name]
    return f"mod({number}, {WEIGHT_MODULUS}) * {term.factor} + {term.offset}"


def _number_of_text(engine: Engine, text: str) -> str:
    return f"cast(concat('0x', substr({_FUNCTIONS[engine]['md5'](text)}, 1, {TEXT_DIGITS})) as bigint)"


def _text(engine: Engine, name: str, known: Sequence[str]) -> str:
    """Return the term of a text; of those that the contract allows, which are known, MD5 is not calculated."""
    whens = "".join(
        f" when {name} = '{text}' then {TERMS[name].of(number_of_text(text) % WEIGHT_MODULUS)}" for text in known
    )
    return f"case when {name} is null then 0{whens} else {_term(name, _number_of_text(engine, name))} end"


def _event_id(engine: Engine) -> str:
    written = "concat(run_id, '-', venue_id, '-', cast(sequence as string))"
    other = _number_of_text(engine, "event_id")
    return (
        f"case when sequence between 0 and {10**18 - 1} and event_id = {written} then {_term('event_id', 'sequence')} "
        f"when event_id is null then 0 else {_term('event_id', f'-1 - {other}')} end"
    )
