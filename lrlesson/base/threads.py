"""One thread for small matrices: several would mostly wait for one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS on one thread, so that what is computed does not depend on the machine's cores."""
    with _blas().limit(limits=1, user_api="blas"):
        yield
