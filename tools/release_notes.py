"""Print a release's part of CHANGELOG.md, if the tag is the one that the project is ready for.

python tools/release_notes.py v0.2.0
python tools/release_notes.py --write   writes pyproject.toml's version to where it is said again
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What cannot ask pyproject.toml, and the line that holds the version there.
PACKAGE = r'(?m)(?<=^  "version": ")[^"]+'
COPIES = {
    "CITATION.cff": r"(?m)(?<=^version: ).+$",
    "lrlesson/labconfig/extension/package.json": PACKAGE,
    "lite/extension/package.json": PACKAGE,
}


def project_version(root: Path = ROOT) -> str:
    """The version, as pyproject.toml says it."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["version"]


def write_copies(root: Path = ROOT) -> list[str]:
    """Write the version wherever else it is said; the files that said something else."""
    changed = []
    for name, place in COPIES.items():
        text = (root / name).read_text(encoding="utf-8")
        new, found = re.subn(place, project_version(root), text)
        if found != 1:
            raise ValueError(f"{name}: expected one line with the version, found {found}.")
        if new != text:
            (root / name).write_text(new, encoding="utf-8", newline="")
            changed.append(name)
    return changed


def notes(tag: str, root: Path = ROOT) -> str:
    """The section of the tag's version; ValueError, with a sentence, where something differs."""
    version = project_version(root)
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but pyproject.toml says {version}.")
    for name, place in COPIES.items():
        if re.findall(place, (root / name).read_text(encoding="utf-8")) != [version]:
            raise ValueError(f"{name} does not say {version}: tools/release_notes.py --write.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
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
    if sys.argv[1] == "--write":
        print(f"{project_version()} written to:", *(write_copies() or ["nothing, all say it"]))
        return
    try:
        print(notes(sys.argv[1]), end="")
    except ValueError as error:
        sys.exit(f"not ready for {sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
