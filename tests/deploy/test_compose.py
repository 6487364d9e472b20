"""The Compose files: valid, whole, and holding to what every container of ours must hold to."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import compose_files
import pytest

ROOT = Path(__file__).parents[2]

SCHEMA = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]

#: Of images that we make ourselves; they are of one release.
OWN = "${TICKETSIM_IMAGES:?}/"

#: Begins as root and drops to a user of its own, for which it needs capabilities.
DROPS_ROOT_ITSELF = ("postgres:",)


def tree_of(machine: str) -> dict:
    return compose_files.load(ROOT / "deploy" / machine / "compose.yaml")


def faults(tree: dict) -> list[str]:
    """Yield what a container of ours must have and lacks."""
    found = []
    for name, service in tree["services"].items():
        ends = str(service.get("restart", "")).startswith("on-failure")
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        image = service.get("image", "")
        lacks = {
            "a health check": "healthcheck" not in service and not ends,
            "a restart policy": service.get("restart") not in ("unless-stopped", "on-failure:3", "on-failure:5"),
            "limits of cpus and memory": not {"cpus", "memory"} <= set(limits),
            "a bound for its log": not {"max-size", "max-file"} <= set(service.get("logging", {}).get("options", {})),
            "no-new-privileges": "no-new-privileges:true" not in service.get("security_opt", ()),
            "a tag that is one version": not (
                image.startswith(OWN) or re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?", image)
            ),
            "a root file system that is read-only": image.startswith(OWN) and not service.get("read_only"),
            "its capabilities dropped": not image.startswith(DROPS_ROOT_ITSELF) and service.get("cap_drop") != ["ALL"],
        }
        found += [f"{name} lacks {what}" for what, missing in lacks.items() if missing]
        if service.get("privileged") or any("docker.sock" in str(volume) for volume in service.get("volumes", ())):
            found.append(f"{name} could take over its machine")
        for variable, value in compose_files.environment(service).items():
            if re.search(r"PASSWORD|SECRET|KEY|TOKEN|CONN", variable) and not re.search(r"_(FILE|FROM)$", variable):
                found.append(f"{name} has {variable}={value} in its environment, which must come from a secret's file")
    return found


def test_compose_files_follow_the_compose_specification():
    checked = subprocess.run(
        [*SCHEMA, *ROOT.glob("deploy/*/compose.yaml")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_a_misspelled_key_is_seen_by_the_specification(tmp_path: Path):
    planted = tmp_path / "compose.yaml"
    planted.write_text("services: {kafka: {image: 'x:1.0', restrat: always}}")
    checked = subprocess.run([*SCHEMA, planted], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "restrat" in checked.stdout


def test_nothing_in_a_compose_file_refers_to_what_is_not_there(machine: str):
    assert list(compose_files.dangling(tree_of(machine))) == []


def test_every_container_is_watched_bounded_and_without_privileges(machine: str):
    assert faults(tree_of(machine)) == []


@pytest.mark.parametrize(
    ("service", "change", "complaint"),
    [
        ("code", {"depends_on": {"migrat": {"condition": "service_started"}}}, "code depends on service migrat,"),
        ("code", {"depends_on": {"daemon": {"condition": "service_completed_successfully"}}}, "for ever"),
        ("code", {"depends_on": ["postgress"]}, "code depends on service postgress,"),
        ("webserver", {"depends_on": {"migrate": {"condition": "service_healthy"}}}, "which has no health check"),
        ("code", {"secrets": ["postgres", "allert"]}, "code uses secret allert, which is not defined"),
        ("code", {"volumes": ["home:/a", "hom:/b"]}, "code uses volume hom, which is not defined"),
        ("code", {"networks": ["kafka"]}, "code uses network kafka, which is not defined"),
        ("postgres", {"volumes": []}, "volume postgres is defined, and no service uses it"),
    ],
)
def test_a_planted_dangling_reference_is_seen(service: str, change: dict, complaint: str):
    tree = copy.deepcopy(tree_of("dagster"))
    tree["services"][service] |= change
    [found] = compose_files.dangling(tree)
    assert complaint in found


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"healthcheck": None}, "code lacks a health check"),
        ({"restart": "no"}, "code lacks a restart policy"),
        ({"deploy": {"resources": {"limits": {"cpus": "1.0"}}}}, "code lacks limits of cpus and memory"),
        ({"logging": {"driver": "json-file"}}, "code lacks a bound for its log"),
        ({"security_opt": []}, "code lacks no-new-privileges"),
        ({"image": "dagster/dagster:latest"}, "code lacks a tag that is one version"),
        ({"read_only": False}, "code lacks a root file system that is read-only"),
        ({"cap_drop": []}, "code lacks its capabilities dropped"),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "code could take over its machine"),
        (
            {"environment": {"DAGSTER_POSTGRES_PASSWORD": "x"}},
            "code has DAGSTER_POSTGRES_PASSWORD=x in its environment, which must come from a secret's file",
        ),
    ],
)
def test_a_planted_carelessness_is_seen(change: dict, complaint: str):
    tree = copy.deepcopy(tree_of("dagster"))
    tree["services"]["code"] = {k: v for k, v in (tree["services"]["code"] | change).items() if v is not None}
    assert faults(tree) == [complaint]


def test_only_the_ports_that_the_firewall_knows_are_published():
    published = {
        machine: sorted(
            port.split(":")[0] for service in tree_of(machine)["services"].values() for port in service.get("ports", ())
        )
        for machine in ("kafka", "simulator", "dagster", "airflow")
    }
    assert published == {"kafka": ["8088", "9092"], "simulator": [], "dagster": ["3000", "3001"], "airflow": ["8080"]}


def test_viewers_have_a_web_server_that_refuses_mutations():
    services = tree_of("dagster")["services"]
    assert "--read-only" in services["viewer"]["command"]
    assert "--read-only" not in services["webserver"]["command"]


def test_a_health_check_that_asks_a_database_is_given_its_secrets():
    for machine, command in (("dagster", "dagster-daemon liveness-check"), ("airflow", "airflow jobs check")):
        for name, service in tree_of(machine)["services"].items():
            check = " ".join(service.get("healthcheck", {}).get("test", ()))
            assert command not in check or f"/with-secrets.sh {command}" in check, name
