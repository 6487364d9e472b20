"""Scenarios: parameters of venues, read from TOML and validated before anything runs."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from importlib.resources import files
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from simulator.display import shown
from simulator.distributions import Distribution, Exponential, Normal
from simulator.exceptions import ScenarioError

_BUILT_IN: Final = files("simulator") / "scenarios"

_DISTRIBUTIONS: Final = {"normal": Normal, "exponential": Exponential}

_HOURS_A_DAY: Final = 24

#: Larger values are more likely typing errors, and the simulation would not end in a lifetime.
MOST_SERVERS: Final = 10_000
_MOST_MINUTES: Final = 7 * 24 * 60.0
_MOST_PEOPLE: Final = 100_000.0

#: Durations are whole microseconds, at least one: of a mean below 60 of them rounding would leave little, and of one
#: far below a microsecond nothing, however often it is drawn.
_LEAST_MINUTES: Final = 1e-6

#: Messages of one venue in an hour at its full rate: forty times what a stadium sends, and half a minute to simulate.
_MOST_MESSAGES_AN_HOUR: Final = 10_000_000

#: Smaller shares of the bus rate than this are closed hours, which are 0.
_LEAST_SHARE: Final = 1e-4

#: A machine simulates at most as many venues.
_MOST_KINDS: Final = 1000

#: The largest scenario file that is read; built-in ones have less than 2 KB.
_MOST_BYTES: Final = 1024 * 1024

#: A key of many parts: tomllib takes time by the square of their number, a minute for 100,000.
_DEEP_KEY: Final = re.compile(r"(?<![\w.\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){32}")

#: With time and digest the name is part of run ids, which have at most 100 characters.
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The parameters of one venue, or of venues of several kinds; minutes are simulated minutes."""

    name: str
    """Built-in name or the file's name without its ending."""
    description: str
    """One sentence for ``ticketsim scenarios``."""
    minutes_between_buses: Distribution
    """Time from one bus to the next."""
    bus_occupancy: Distribution
    """Visitors on a bus, rounded, at least 1."""
    group_size: Distribution
    """Visitors who stay together, rounded, at least 1; a bus's last group is cut to the visitors that are left."""
    box_office_share: float
    """Share of groups that buy at the venue, 0 to 1; the others bought online."""
    ticket_price_cents: int
    """Price of one visitor's ticket at the box office."""
    walk_to_sellers_minutes: Distribution
    """Walk from the bus to the sellers; groups that bought online walk past them."""
    walk_to_scanners_minutes: Distribution
    """Walk from the sellers to the scanners."""
    sellers: int
    """Number of sellers."""
    sale_minutes: Distribution
    """Duration of one group's purchase."""
    scanners: int
    """Number of scanners."""
    scan_minutes: Distribution
    """Duration of one visitor's scan."""
    one_line: bool
    """Whether a stage has one line for all of its servers instead of one for each."""

    bus_rate_by_hour: tuple[float, ...] = ()
    """Share of the buses that come in each hour of the day, UTC; empty: always all of them."""
    venue_kinds: tuple["Scenario", ...] = ()
    """Kinds of venues, assigned round-robin: the first venue has the first kind, and so on."""

    @property
    def kinds(self) -> tuple["Scenario", ...]:
        """The kinds of venues, or this scenario itself if all are alike."""
        return self.venue_kinds or (self,)

    def of_venue(self, number: int) -> "Scenario":
        """Return the scenario of venue ``number``, from 1."""
        return self.kinds[(number - 1) % len(self.kinds)]

    @property
    def visitors_an_hour(self) -> float:
        """Mean number of visitors who come in an hour at the full rate, without kinds of venues."""
        return 60 / self.minutes_between_buses.mean_above(0) * self.bus_occupancy.mean_above(1)

    @property
    def messages_an_hour(self) -> float:
        """Mean number of messages in such an hour, a little too low."""
        sales = self.box_office_share / self.group_size.mean_above(1)
        return 60 / self.minutes_between_buses.mean_above(0) + self.visitors_an_hour * (3 + 3 * sales)

    @property
    def mean_bus_rate(self) -> float:
        """Mean share of the buses that come, over a day."""
        return sum(self.bus_rate_by_hour) / _HOURS_A_DAY if self.bus_rate_by_hour else 1.0

    def content(self) -> str:
        """Serialise everything that affects the simulation (not name and description) as canonical JSON."""
        return json.dumps(self._parameters(), sort_keys=True)

    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        for parameter in fields(self):
            value = getattr(self, parameter.name)
            if is_dataclass(value) and not isinstance(value, type):
                parameters[parameter.name] = asdict(value) | {"distribution": type(value).__name__}
            elif parameter.name == "venue_kinds":
                parameters[parameter.name] = [kind._parameters() for kind in value]
            elif parameter.name not in {"name", "description"}:
                parameters[parameter.name] = value
        # Without them a scenario's content is the same as before they were introduced.
        return {key: value for key, value in parameters.items() if key not in OPTIONAL_PARAMETERS or value}


#: Parameters that a file sets; the name is that of the file.
PARAMETERS: Final = tuple(field.name for field in fields(Scenario) if field.name != "name")

#: Parameters that a file may omit.
OPTIONAL_PARAMETERS: Final = tuple(field.name for field in fields(Scenario) if field.default is not MISSING)

#: Parameters that change what is simulated, of each kind of venues.
CHANGEABLE: Final = tuple(name for name in PARAMETERS if name not in {"description", "venue_kinds"})

#: Parameters that all venues of a scenario share.
_SHARED: Final = ("description", "venue_kinds")


def built_in_names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios, in alphabetical order."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in _BUILT_IN.iterdir() if entry.name[-5:] == ".toml")
    )


def load_scenario(name_or_file: str, changes: Mapping[str, Any] = MappingProxyType({})) -> Scenario:
    """Load a built-in scenario by name or, if there is none, from a TOML file.

    Args:
        name_or_file: Name or file.
        changes: Parameters, as a file would have them, that take the place of its own; of a distribution those that
            are named, unless its kind is.

    Raises:
        ScenarioError: Neither exists, or a parameter is unknown, missing or invalid.
    """
    name, table, origin = _read(name_or_file)
    if not changes:
        return _scenario(name, table, origin=origin)
    for key in changes:
        if key not in CHANGEABLE:
            raise ScenarioError(
                f"{origin}: {key} = {shown(changes[key])} is no parameter to change; known are {', '.join(CHANGEABLE)}."
            )
    return _scenario(name, _changed(_with_base(table, origin), changes), origin=f"{origin}, changed")


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with changes, which hold for all kinds of venues."""
    changed = dict(values)
    for key, value in changes.items():
        before = values.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and "distribution" not in value:
            changed[key] = before | value
        else:
            changed[key] = value
    kinds = values.get("venue_kinds")
    if isinstance(kinds, list) and all(isinstance(kind, dict) for kind in kinds):
        changed["venue_kinds"] = [
            _changed(kind, {key: value for key, value in changes.items() if key in kind}) for kind in kinds
        ]
    return changed


def _read(name_or_file: str) -> tuple[str, dict[str, Any], str]:
    """Return a scenario's name, its table, and how messages call it."""
    if name_or_file in built_in_names():
        return name_or_file, _read_built_in(name_or_file), f"scenario {name_or_file}"
    path = Path(name_or_file)
    origin = f"scenario file {path}"
    try:
        if not path.is_file():
            raise ScenarioError(
                f"There is no scenario '{name_or_file}'; expected a TOML file or one of {', '.join(built_in_names())}."
            )
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        # Editors write byte order marks, and line ends of their own, which TOML does not know.
        text = StringIO(content.decode("utf-8-sig"), newline=None).read()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"Cannot read {origin}: {error}.") from error
    if len(content) > _MOST_BYTES:
        raise ScenarioError(f"{origin} has more than {_MOST_BYTES:,} bytes; a scenario has a few hundred.")
    return path.stem, _parse(text, origin), origin


def _read_built_in(name: str) -> dict[str, Any]:
    return _parse((_BUILT_IN / f"{name}.toml").read_text("utf-8"), f"scenario {name}")


def _parse(text: str, origin: str) -> dict[str, Any]:
    nested_too_deeply = ScenarioError(f"{origin} is nested too deeply; a scenario has tables in at most two levels.")
    if _DEEP_KEY.search(text):
        raise nested_too_deeply
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise nested_too_deeply from None
    except ValueError as error:  # tomllib's own, and Python's for a number of more digits than it converts
        raise ScenarioError(f"{origin} is not valid TOML: {error}.") from error


def _scenario(name: str, table: Mapping[str, Any], *, origin: str) -> Scenario:
    values = _with_base(table, origin)
    for key, value in values.items():
        if key not in PARAMETERS:
            raise ScenarioError(
                f"{origin}: unknown parameter {key} = {shown(value)}; known are base, {', '.join(PARAMETERS)}."
            )
    missing = [key for key in PARAMETERS if key not in values and key not in OPTIONAL_PARAMETERS]
    if missing:
        raise ScenarioError(
            f'{origin}: missing parameter {", ".join(missing)}; set it, or start from another with base = "original".'
        )
    reader = _Reader(origin, values)
    kinds = [
        _kind(name, values, table, f"{origin}, venue kind {n}")
        for n, table in enumerate(reader.tables("venue_kinds"), 1)
    ]
    found = Scenario(
        name=_checked_name(name, origin),
        description=reader.text("description"),
        minutes_between_buses=reader.minutes("minutes_between_buses"),
        bus_occupancy=reader.people("bus_occupancy"),
        group_size=reader.people("group_size"),
        box_office_share=reader.number("box_office_share", 0, 1),
        ticket_price_cents=reader.whole_number("ticket_price_cents", 0, 10**9),
        walk_to_sellers_minutes=reader.minutes("walk_to_sellers_minutes"),
        walk_to_scanners_minutes=reader.minutes("walk_to_scanners_minutes"),
        sellers=reader.whole_number("sellers", 1, MOST_SERVERS),
        sale_minutes=reader.minutes("sale_minutes"),
        scanners=reader.whole_number("scanners", 1, MOST_SERVERS),
        scan_minutes=reader.minutes("scan_minutes"),
        one_line=reader.truth("one_line"),
        bus_rate_by_hour=reader.day("bus_rate_by_hour"),
        venue_kinds=tuple(kinds),
    )
    _check_work(found, origin)
    return found


def _check_work(scenario: Scenario, origin: str) -> None:
    """Refuse a scenario of which nobody would see the end of an hour."""
    gap, messages = scenario.minutes_between_buses, scenario.messages_an_hour
    if messages > _MOST_MESSAGES_AN_HOUR:
        raise ScenarioError(
            f"{origin}: minutes_between_buses.mean = {gap.mean:g} with bus_occupancy.mean = "
            f"{scenario.bus_occupancy.mean:g} would be about {messages:,.0f} messages an hour at each venue; "
            f"at most {_MOST_MESSAGES_AN_HOUR:,} can be simulated."
        )


def _kind(name: str, shared: Mapping[str, Any], table: Mapping[str, Any], origin: str) -> Scenario:
    """Build the scenario of one kind of venue: the shared parameters, overridden by ``table``."""
    for key in table:
        if key in {"base", *_SHARED}:
            raise ScenarioError(
                f"{origin}: {key} = {shown(table[key])} cannot differ between venues; set it above them."
            )
    return _scenario(name, {k: v for k, v in shared.items() if k != "venue_kinds"} | dict(table), origin=origin)


def _with_base(table: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Merge the table's values over its base, the built-in scenario that it names, if any."""
    values = dict(table)
    if "base" not in values:
        return values
    base = values.pop("base")
    if base not in built_in_names():
        raise ScenarioError(f"{origin}: base = {shown(base)} is not built in ({', '.join(built_in_names())}).")
    return _with_base(_read_built_in(base), f"scenario {base}") | values


def _checked_name(name: str, origin: str) -> str:
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise ScenarioError(
            f"{origin}: the name {name!r} becomes part of run ids; use letters, digits, - and _ in the file's name."
        )
    if len(name) > _LONGEST_NAME:
        raise ScenarioError(
            f"{origin}: the name {name!r} becomes part of run ids; use at most {_LONGEST_NAME} characters in the "
            "file's name."
        )
    return name


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reader of a TOML table that refuses invalid parameters by name and value."""

    origin: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            raise self._refusal(key, value, "must be a text")
        return value

    def truth(self, key: str) -> bool:
        value = self.values[key]
        if not isinstance(value, bool):
            raise self._refusal(key, value, "must be true or false")
        return value

    def whole_number(self, key: str, least: int, most: int) -> int:
        value = self.values[key]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._refusal(key, value, f"must be a whole number from {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        return self._number(key, self.values[key], least, most)

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """Read a list of tables; empty if there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise self._refusal(key, value, f"must be tables, each under [[{key}]]")
        if len(value) > _MOST_KINDS:
            raise ScenarioError(f"{self.origin}: {key} are {len(value):,} tables; must be at most {_MOST_KINDS}.")
        return value

    def day(self, key: str) -> tuple[float, ...]:
        """Read a share for each hour of the day, which requires exponential gaps; empty if there is none."""
        value = self.values.get(key, [])
        if value == []:
            return ()
        if not isinstance(value, list) or len(value) != _HOURS_A_DAY:
            raise self._refusal(key, value, f"must be {_HOURS_A_DAY} numbers, one for each hour of the day")
        shares = tuple(
            0.0 if share == 0 else self._number(f"{key}[{hour}]", share, _LEAST_SHARE, 1, ", or 0")
            for hour, share in enumerate(value)
        )
        if not any(shares):
            raise self._refusal(key, value, "must be above 0 in some hour, or no bus ever arrives")
        gaps = self.minutes("minutes_between_buses")
        if not isinstance(gaps, Exponential):
            raise self._refusal(
                "minutes_between_buses", self.values["minutes_between_buses"], f"must be exponential to have a {key}"
            )
        if gaps.mean / max(shares) > _MOST_MINUTES:
            raise self._refusal(
                key,
                max(shares),
                f"in its busiest hour, with minutes_between_buses.mean = {gaps.mean:g}, is a bus every "
                f"{gaps.mean / max(shares):g} minutes; must be at most every {_MOST_MINUTES:g}",
            )
        return shares

    def minutes(self, key: str) -> Distribution:
        """Read a distribution of durations."""
        return self._distribution(key, _LEAST_MINUTES, _MOST_MINUTES, " minutes")

    def people(self, key: str) -> Distribution:
        """Read a distribution of numbers of people."""
        found = self._distribution(key, 1, _MOST_PEOPLE, " people")
        if found.largest > _MOST_PEOPLE:
            name = f"{key}.sd" if isinstance(found, Normal) else f"{key}.mean"
            value = found.sd if isinstance(found, Normal) else found.mean
            raise self._refusal(
                name, value, f"draws up to {found.largest:,.0f} people; must be at most {_MOST_PEOPLE:,.0f}"
            )
        return found

    def _distribution(self, key: str, least_mean: float, most: float, unit: str) -> Distribution:
        """Read a distribution whose mean is not below the truncation minimum."""
        value = self.values[key]
        if not isinstance(value, dict):
            raise self._refusal(key, value, 'must be like { distribution = "normal", mean = 1.0, sd = 0.2 }')
        kind = value.get("distribution")
        if not isinstance(kind, str) or kind not in _DISTRIBUTIONS:
            raise self._refusal(f"{key}.distribution", kind, f"must be one of {', '.join(_DISTRIBUTIONS)}")
        known = [field.name for field in fields(_DISTRIBUTIONS[kind])]
        for name in value:
            if name not in {"distribution", *known}:
                raise ScenarioError(
                    f"{self.origin}: unknown parameter {key}.{name} = {shown(value[name])}; "
                    f"a {kind} distribution has {', '.join(known)}."
                )
        for name in known:
            if name not in value:
                raise ScenarioError(f"{self.origin}: missing parameter {key}.{name}.")
        mean = self._number(f"{key}.mean", value["mean"], least_mean, most, unit)
        if kind == "exponential":
            return Exponential(mean)
        return Normal(mean, self._number(f"{key}.sd", value["sd"], 0, most, unit))

    def _number(self, key: str, value: Any, least: float, most: float, unit: str = "") -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
            raise self._refusal(key, value, "must be a number")
        if not least <= value <= most:
            raise self._refusal(key, value, f"must be from {least:g} to {most:g}{unit}")
        return float(value)

    def _refusal(self, key: str, value: Any, rule: str) -> ScenarioError:
        return ScenarioError(f"{self.origin}: {key} = {shown(value)} {rule}.")
