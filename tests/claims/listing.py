"""What the lessons claim, as JSON: `python tests/claims/listing.py`.

One object for each test: lesson (a number), claims (the ids in its name), test (its
name), says (its docstring: the claim, the seeds and the margin), slow. Read from the source, so
that a page cannot say what no test holds.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def listing() -> list[dict[str, Any]]:
    """Every claim, in the order of the files."""
    found = []
    for path in sorted(HERE.glob("test_lesson_*.py")):
        lesson = int(path.stem.removeprefix("test_lesson_"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = [ast.unparse(mark) for mark in node.decorator_list]
                found.append(
                    {
                        "lesson": lesson,
                        "claims": re.findall(r"(?<=_)[CVN]\d+(?=_)", node.name),
                        "test": node.name,
                        "says": " ".join((ast.get_docstring(node) or "").split()),
                        "slow": "pytest.mark.slow" in marks,
                    }
                )
    return found


if __name__ == "__main__":
    print(json.dumps(listing(), ensure_ascii=False, indent=1))
