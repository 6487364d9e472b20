"""docs/cloud.md adds up, and names what is there."""

import re

import pytest
from stack.configuration import ROOT

PAGE = (ROOT / "docs/cloud.md").read_text()

#: Cells of the table of costs whose units and price are numbers.
COSTS = [
    cells
    for line in PAGE.splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 7 and re.fullmatch(r"[\d.]+", cells[2])
]


@pytest.mark.parametrize("cells", COSTS, ids=[cells[0] for cells in COSTS])
def test_units_times_price_is_what_the_table_says(cells):
    _, _, price, *sizes = cells
    for units, dollars in (sizes[:2], sizes[2:]):
        assert f"{float(units) * float(price) + 1e-9:.2f}" == dollars


def test_the_table_adds_up():
    sums = re.search(r"^\| \*\*sum\*\* .*", PAGE, re.MULTILINE)
    assert sums
    assert re.findall(r"\*\*([\d.]+)\*\*", sums[0]) == [
        f"{sum(float(cells[column]) for cells in COSTS):.2f}" for column in (4, 6)
    ]


def test_the_machines_are_those_of_the_variables_defaults(stack):
    (types,) = [
        block["machine_types"]["type"]
        for parsed in stack.files.values()
        for block in parsed.get("variable", [])
        if "machine_types" in block
    ]
    defaults = set(re.findall(r'optional\(string, "([\w-]+)"\)', str(types)))
    assert defaults == set(re.findall(r"[en]\d-standard-\d", " ".join(cells[0] for cells in COSTS)))


def test_every_output_secret_and_file_that_is_named_is_there(stack):
    outputs = {name for parsed in stack.files.values() for block in parsed.get("output", []) for name in block}
    assert set(re.findall(r"terraform output (\w+)|output -json (\w+)", PAGE)) != set()
    for named in re.findall(r"(?:output -json|`terraform output|`output|terraform output) (\w+)", PAGE):
        assert named in outputs
    (secret,) = stack.resources("google_secret_manager_secret")
    named = set(re.findall(r"ticketsim-((?:dagster|airflow|alert)-[a-z-]+)", PAGE)) | set(
        re.findall(r"for secret in (.*); do", PAGE)[0].split()
    )
    assert named == secret.local["secrets"].keys()
    for path in re.findall(r"(?:terraform|deploy|tests|\.github)/[\w./-]+\.\w+", PAGE):
        if path not in {"terraform/terraform.tfvars", "terraform/backend.hcl", "terraform/.terraform.lock.hcl"}:
            assert (ROOT / path).exists(), path
