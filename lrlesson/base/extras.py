"""What an installation may leave out, and the sentence that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(ImportError):
    """A package of an extra is not installed; one line in a notebook."""

    def _render_traceback_(self) -> list[str]:
        return [f"MissingExtra: {self}"]


@contextmanager
def needed(extra: str, what: str) -> Iterator[None]:
    """Around imports: where a package is missing, raise a MissingExtra that names the extra.

    extra: one of `[project.optional-dependencies]` in pyproject.toml. what: the subject of the
    sentence, such as "a scene".
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "lrlesson"):  # a mistake of ours
            raise
        raise MissingExtra(
            f'{what} needs {package}, which is not installed: pip install "lrlesson[{extra}]"',
            name=error.name,
        ) from None
