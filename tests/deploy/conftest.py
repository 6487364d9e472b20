import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=sorted(path.parent.name for path in ROOT.glob("deploy/*/compose.yaml")))
def machine(request: pytest.FixtureRequest) -> str:
    """Each part that has a Compose file, in turn."""
    return request.param


@pytest.fixture(params=sorted(path.parent.name for path in ROOT.glob("deploy/*/Dockerfile")))
def image(request: pytest.FixtureRequest) -> str:
    """Each image, in turn."""
    return request.param


@pytest.fixture
def roots() -> Iterator[Path]:
    """A folder that a user without rights may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="ticketsim-deploy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
