"""Environment variables: each is documented once, and none is set that nothing reads."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import compose_files
import pytest
import settings_page
import yaml

from ticketsim_assets.settings import Settings

ROOT = Path(__file__).parents[2]

#: What a container's environment must hold only if somebody in it reads it.
OURS = ("TICKETSIM_", "DAGSTER_")

#: Settings whose default Dagster's machine does not share, with the reason.
OF_THE_CLOUD = {"trigger": "Airflow has a machine", "home": "a volume, named in the image"}

#: Filled in by Compose itself, and never handed to a container under that name.
_HEADING_OF_DEPLOYMENT = "## Of a deployment"


def documented(page: str) -> list[str]:
    """Return the variables that the tables define, in order."""
    return re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page, re.MULTILINE)


def page() -> str:
    return settings_page.PAGE.read_text(encoding="utf-8")


def section(heading: str) -> str:
    return page().partition(f"{heading}\n")[2].partition("\n## ")[0]


def read_by_containers() -> set[str]:
    return set(documented(page())) - set(documented(section(_HEADING_OF_DEPLOYMENT)))


def unknown_variables(tree: dict) -> Iterator[str]:
    """Yield the services' variables that nothing in our image reads, and those that Compose is not given."""
    for name, service in tree["services"].items():
        for variable in compose_files.environment(service):
            if variable.startswith(OURS) and variable.removesuffix("_FROM") not in read_by_containers():
                yield f"{name} is given {variable}, which is never read"
    for variable in sorted(compose_files.variables(yaml.safe_dump(tree))):
        if variable not in documented(page()):
            yield f"{variable} is filled in, and docs/settings.md does not know it"


def test_the_page_shows_the_settings_objects_as_they_are():
    assert page() == settings_page.with_tables(page()), (
        "run: PYTHONPATH=. .venv/bin/python tests/deploy/settings_page.py"
    )


def test_every_variable_stands_on_the_page_once():
    twice = {name for name, times in Counter(documented(page())).items() if times > 1}
    assert not twice


def test_every_variable_that_code_names_is_on_the_page():
    known, missing = set(documented(page())), {}
    folders = ("simulator", "streaming", "ticketsim_assets", "ticketsim", "deploy", "dbt/models", "dbt/macros", "docs")
    files = [*(path for folder in folders for path in (ROOT / folder).rglob("*.*")), ROOT / "dbt" / "profiles.yml"]
    for path in files:
        if path.suffix in (".py", ".sh", ".yaml", ".yml", ".sql", ".md", ".toml"):
            for name in re.findall(r"\bTICKETSIM_[A-Z][A-Z_]*[A-Z]\b(?!_?\*)", path.read_text(encoding="utf-8")):
                if name.removesuffix("_FROM") not in known:
                    missing[name] = path.relative_to(ROOT).as_posix()
    assert not missing


def test_compose_sets_no_variable_that_is_never_read(machine: str):
    assert list(unknown_variables(compose_files.load(ROOT / "deploy" / machine / "compose.yaml"))) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"TICKETSIM_LAKE_URL": "gs://x"}, "code is given TICKETSIM_LAKE_URL, which is never read"),
        ({"TICKETSIM_RELEASE": "1"}, "code is given TICKETSIM_RELEASE, which is never read"),
        ({"DAGSTER_POSTGRES_HOSTS": "x"}, "code is given DAGSTER_POSTGRES_HOSTS, which is never read"),
        (
            {"TICKETSIM_HOME": "${TICKETSIM_HOUSE}"},
            "TICKETSIM_HOUSE is filled in, and docs/settings.md does not know it",
        ),
    ],
)
def test_a_planted_unknown_variable_is_seen(change: dict[str, str], complaint: str):
    tree = compose_files.load(ROOT / "deploy" / "dagster" / "compose.yaml")
    tree["services"]["code"]["environment"] = tree["services"]["code"]["environment"] | change
    assert list(unknown_variables(tree)) == [complaint]


def test_every_setting_reaches_dagster_and_without_a_wish_has_the_same_default_there():
    environment = compose_files.environment(
        compose_files.load(ROOT / "deploy" / "dagster" / "compose.yaml")["services"]["code"]
    )
    given = {variable.removesuffix("_FROM"): value for variable, value in environment.items()}
    for name, field in Settings.model_fields.items():
        variable = f"TICKETSIM_{name.upper()}"
        if name in OF_THE_CLOUD:
            continue
        assert variable in given, f"Dagster's containers never get {variable}"
        if default := re.fullmatch(rf"\$\{{{variable}:-(.*)}}", given[variable]):
            there = Settings.model_validate({name: default[1]})
            assert getattr(there, name) == field.default, variable


def test_what_terraform_can_tune_is_what_compose_has_a_default_for():
    compose = (ROOT / "deploy" / "dagster" / "compose.yaml").read_text(encoding="utf-8")
    with_default = set(re.findall(r"\$\{TICKETSIM_(\w+):-", compose)) - {
        "TRIGGER",
        "PAGE_URL",
    }  # have variables of their own
    variables = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    [tunable] = re.findall(r'variable "tuning" \{.+?contains\(\s*\[(.+?)\]', variables, re.DOTALL)
    assert {name.replace("-", "_").upper() for name in re.findall(r'"([a-z-]+)"', tunable)} == with_default
