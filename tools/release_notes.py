"""Print a release's part of CHANGELOG.md, if the tag is the one that the project is ready for.

python tools/release_notes.py v0.2.0
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, project: str, changelog: str, citation: str) -> str:
    """The section of the tag's version. Raises ValueError, in a sentence, where something differs.

    project, changelog and citation are the texts of pyproject.toml, CHANGELOG.md and CITATION.cff.
    """
    version = tomllib.loads(project)["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but pyproject.toml says {version}.")
    if not re.search(rf"(?m)^version: {re.escape(version)}$", citation):
        raise ValueError(f"CITATION.cff does not say version: {version}.")
    for section in re.split(r"(?m)^## ", changelog)[1:]:
        head, _, body = section.partition("\n")
        if re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", head.strip()):
            if not body.strip():
                raise ValueError(f"the section of {version} in CHANGELOG.md is empty.")
            return body.strip() + "\n"
    raise ValueError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`.")


def main() -> None:
    """Print the notes, or end with the sentence that says what is missing."""
    if len(sys.argv) != 2:
        sys.exit("expected one tag, as in: python tools/release_notes.py v0.2.0")
    names = ("pyproject.toml", "CHANGELOG.md", "CITATION.cff")
    try:
        print(notes(sys.argv[1], *((ROOT / n).read_text(encoding="utf-8") for n in names)), end="")
    except ValueError as error:
        sys.exit(f"not ready for {sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
