"""Print the built lessons into one PDF: python site/print.py [--site FOLDER] [--out FILE]

Every lesson is printed by Chromium as its page, figures with their controls and answers opened,
and the PDFs are joined in the order of reading.
"""

import argparse
import sys
from pathlib import Path

from pypdf import PdfWriter

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import rig  # noqa: E402


def main() -> int:
    """Print; the exit code."""
    options = argparse.ArgumentParser(description="Print the lessons into one PDF.")
    options.add_argument("--site", type=Path, default=ROOT / "build" / "site" / "html")
    options.add_argument("--out", type=Path, default=ROOT / "build" / "site" / "course.pdf")
    chosen = options.parse_args()
    lessons = sorted((chosen.site / "notebooks").glob("[0-9]*.html"))
    if not lessons:
        options.error(f"--site {chosen.site}: expected the pages that `make pages` builds")
    whole = PdfWriter()
    with rig.chromium() as browser:
        page = browser.new_page()
        for lesson in lessons:
            page.goto(lesson.as_uri())
            page.wait_for_function("!document.querySelector('.lrlesson-mount:not([data-alive])')")
            printed = chosen.out.with_suffix(f".{lesson.stem}.pdf")
            page.pdf(path=printed, format="A4", print_background=True)
            whole.append(printed, outline_item=page.title().partition(" \u2014 ")[0])
            printed.unlink()
    whole.write(chosen.out)
    print(f"{len(lessons)} lessons are in {chosen.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
