"""The OAuth clients of npm, installed as their lock file has them."""

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"


def _node() -> tuple[str, ...]:
    """Return how to run a script: Node.js 18 has the Web Crypto API behind a flag."""
    program = shutil.which("node")
    if program is None:
        return ("node",)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    old = version.startswith("v18.")
    return (program, "--experimental-global-webcrypto") if old else (program,)


NODE = _node()


@pytest.fixture(scope="module")
def node_clients() -> Path:
    """The folder of the clients, with their packages."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on this machine")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    ran = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        pytest.skip("npm could not fetch the OAuth clients")
    return CLIENTS
