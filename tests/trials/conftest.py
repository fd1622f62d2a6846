"""Installations for the trials, each in a folder of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Installation, installation


@pytest.fixture
def house() -> Iterator[Installation]:
    """A fresh installation; nothing runs yet."""
    with tempfile.TemporaryDirectory(prefix="conecta-trial-") as folder, installation(Path(folder)) as made:
        yield made
