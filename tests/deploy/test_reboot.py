"""A machine's whole start-up script, at its first boot and at later ones, with real file systems on a file.

systemd, Docker, apt and the mount are stand-ins that write down what they are asked. The stand-in of systemd does what
decides whether a machine survives a reboot: Docker's package enables Docker, so at each boot it is asked for before the
start-up script runs, and it starts only if the conditions of its drop-in files hold.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from metadata_server import Cloud

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

#: What each machine fetches before its containers may start.
SECRETS = {
    "kafka": [],
    "dagster": ["dagster-postgres-password"],
    "airflow": [f"airflow-{name}" for name in ("postgres-password", "fernet-key", "jwt-secret", "admin-password")],
}

_SYSTEMCTL = """#!/bin/bash
# `systemctl start docker` as systemd does it: skipped, without an error, if a condition does not hold.
case "$*" in *docker) ;; *) exit 0 ;; esac
[ -e "$STATE/running" ] && exit 0
while IFS='=' read -r condition path; do
    case $condition in
    ConditionPathIsMountPoint) mountpoint --quiet "$path" || exit 0 ;;
    ConditionPathExists) [ -e "$path" ] || exit 0 ;;
    Condition*) echo "unknown condition $condition" >&2; exit 1 ;;
    esac
done < <(cat "$UNITS"/docker.service.d/*.conf 2>/dev/null)
: >"$STATE/running"
disk=boot; mountpoint --quiet "$DOCKER_ROOT" && disk=data
echo "docker started on the $disk disk with $(ls "$RUN" "$RUN/secrets" 2>/dev/null | tr '\\n' ' ')" >>"$STATE/log"
"""

_DOCKER = """#!/bin/bash
[ -e "$STATE/installed" ] || exit 127
case "$*" in "compose version"*) exit 0 ;; esac
[ -e "$STATE/running" ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
echo "docker $*" >>"$STATE/log"
case $1 in
login) cat >/dev/null; [ ! -e "$STATE/no-registry" ] ;;
pull) [ ! -e "$STATE/no-registry" ] && echo "${@: -1}" >>"$DOCKER_ROOT.images" ;;
image) [ "$2" != inspect ] || grep -qx "$3" "$DOCKER_ROOT.images" ;;
esac
"""

_STAND_INS = {
    "systemctl": _SYSTEMCTL,
    "mountpoint": '#!/bin/sh\n[ -e "$STATE/mounted" ]\n',
    "mount": '#!/bin/sh\necho "mount $*" >>"$STATE/log"; : >"$STATE/mounted"\n',
    # A file system that nobody has mounted is checked before it is enlarged.
    "resize2fs": '#!/bin/sh\ne2fsck -fy "$1" >/dev/null; exec "$RESIZE2FS" "$1"\n',
    # Debian's package starts Docker as soon as it is installed.
    "apt-get": '#!/bin/sh\ncase $1 in install) : >"$STATE/installed"; systemctl start docker ;; esac\n',
    "docker": _DOCKER,
}


@dataclass
class Machine:
    """A machine with a data disk, which is a file."""

    name: str
    folder: Path
    cloud: Cloud

    def __post_init__(self) -> None:
        for folder in ("bin", "units"):
            (self.folder / folder).mkdir()
        for name, text in _STAND_INS.items():
            self._program(self.folder / "bin" / name, text)
        self.disk_mb(16)
        parts = (ROOT / "deploy/vm.sh", ROOT / "deploy" / self.name / "startup.sh")
        (self.folder / "startup.sh").write_text("\n".join(part.read_text() for part in parts))

    def disk_mb(self, size: int) -> None:
        """Make the data disk as large as this; what is on it stays."""
        with self.disk.open("ab") as disk:
            disk.truncate(size << 20)

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def boot(self) -> subprocess.CompletedProcess[str]:
        """Start the machine: memory and mounts are empty, systemd asks for Docker, Google runs the start-up script."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        for gone in ("mounted", "running", "log"):
            (self.folder / gone).unlink(missing_ok=True)
        if (self.folder / "installed").exists():
            self._run(self.folder / "bin/systemctl", "start", "docker")
        return self.start_up()

    def start_up(self) -> subprocess.CompletedProcess[str]:
        """Run the start-up script, as operators do after a change."""
        return self._run("bash", self.folder / "startup.sh")

    @property
    def log(self) -> list[str]:
        """What was asked of Docker and of the mount since the machine was started."""
        return (self.folder / "log").read_text().splitlines()

    def blocks(self) -> int:
        """Return how many blocks the file system on the data disk has."""
        shown = self._run("dumpe2fs", "-h", self.disk).stdout
        return int(re.findall(r"Block count: +(\d+)", shown)[0])

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        system = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        env = {
            "PATH": f"{self.folder / 'bin'}:{system}",
            "RESIZE2FS": shutil.which("resize2fs", path=system) or "resize2fs",
            "STATE": str(self.folder),
            "METADATA": f"{self.cloud.url}/metadata",
            "SECRET_MANAGER": f"{self.cloud.url}/secrets",
            "RUN": str(self.folder / "run"),
            "HOME_ON_DISK": str(self.folder / "home"),
            "UNITS": str(self.folder / "units"),
            "DATA_DISK": str(self.disk),
            "DOCKER_ROOT": str(self.folder / "docker-root"),
        }
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A new machine, never started; Kafka's unless the test names another."""
    name = getattr(request, "param", "kafka")
    attributes = {"ticketsim-prefix": "show", "ticketsim-images": "registry/show", "ticketsim-release": "1"}
    cloud = Cloud(attributes, {f"show-{secret}": b"x" for secret in SECRETS[name]})
    yield Machine(name, tmp_path, cloud)
    cloud.server.shutdown()


@pytest.mark.parametrize("machine", SECRETS, indirect=True)
def test_docker_starts_at_every_boot_after_its_disk_the_settings_and_the_secrets(machine: Machine):
    for boot in ("the first", "the second"):
        done = machine.boot()
        assert done.returncode == 0, f"{boot}: {done.stderr}"
        [started] = [line for line in machine.log if line.startswith("docker started")]
        assert started.startswith("docker started on the data disk"), boot
        assert {"settings.env", *SECRETS[machine.name]} <= set(started.split()), boot
        assert any(f"{machine.name}.yaml up" in line for line in machine.log), boot


def test_a_data_disk_is_formatted_once(machine: Machine):
    machine.boot()
    written = machine.disk.read_bytes()
    assert machine.boot().returncode == 0
    uuid = slice(1024 + 0x68, 1024 + 0x78)  # of the superblock
    assert machine.disk.read_bytes()[uuid] == written[uuid]


def test_a_disk_that_holds_something_unreadable_is_not_formatted(machine: Machine):
    machine._program(machine.folder / "bin/blkid", "#!/bin/sh\nexit 8\n")
    done = machine.boot()
    assert done.returncode == 1
    assert "cannot be read (blkid: 8); it is not formatted" in done.stderr
    assert not any(machine.disk.read_bytes())


def test_space_that_was_added_to_the_disk_is_used_without_a_reboot(machine: Machine):
    machine.boot()
    before = machine.blocks()
    machine.disk_mb(32)
    assert machine.start_up().returncode == 0
    assert machine.blocks() == 2 * before


def test_a_machine_that_has_its_images_starts_without_the_registry(machine: Machine):
    assert machine.boot().returncode == 0
    (machine.folder / "no-registry").touch()
    done = machine.boot()
    assert done.returncode == 0, done.stderr
    assert any("kafka.yaml up" in line for line in machine.log)


def test_an_image_that_is_nowhere_is_named(machine: Machine):
    (machine.folder / "no-registry").touch()
    done = machine.boot()
    assert done.returncode == 1
    assert "image registry/show/kafka:1 is neither in the registry nor on this machine" in done.stderr
