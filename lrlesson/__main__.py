"""The command `lrlesson`, also as `python -m lrlesson`."""

import sys

from lrlesson.base.extras import MissingExtra, needed


def main() -> None:
    """Run the command line; where a package of an extra is missing, end with one sentence."""
    try:
        with needed("course", "the command line"):
            from lrlesson.cli import app
        app()
    except MissingExtra as error:
        sys.exit(f"lrlesson: {error}")


if __name__ == "__main__":
    main()
