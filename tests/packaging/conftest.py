"""What the packaging tests share."""

import os

import pytest

OUTER = ("MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTEST", "PYTHON", "PORT")


@pytest.fixture
def environment() -> dict[str, str]:
    """The user's environment, without traces of the make or the pytest that runs this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}
