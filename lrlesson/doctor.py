"""Does this installation have what the course needs? One row per question, one remedy each."""

import html
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple


class Finding(NamedTuple):
    """One thing looked at: what was asked, whether it is fine, and what to do if it is not."""

    question: str
    fine: bool
    remedy: str


@dataclass(frozen=True)
class Report:
    """All findings; shows itself as a table in a notebook and as lines of text elsewhere."""

    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        return all(finding.fine for finding in self.findings)

    @property
    def verdict(self) -> str:
        return "Everything works." if self.fine else "Something is missing: see below."

    def __repr__(self) -> str:
        lines = [
            f"  {'yes' if f.fine else 'NO '}  {f.question}" + ("" if f.fine else f" -> {f.remedy}")
            for f in self.findings
        ]
        return "\n".join([self.verdict, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{'✓ yes' if f.fine else '✗ <b>no</b>'}</td>"
            f"<td style='text-align:left'>{html.escape(f.question)}"
            + ("" if f.fine else f"<br><b>{html.escape(f.remedy)}</b>")
            + "</td></tr>"
            for f in self.findings
        )
        return f"<p><b>{self.verdict}</b></p><table>{rows}</table>"


def self_test() -> Report:
    """Look at Python, the packages, one real training run and the place where answers are kept."""
    return Report((_python(), *_packages(), _training(), _storage()))


def _python() -> Finding:
    remedy = "install Python 3.11 or newer and run `make lab` again"
    return Finding("Python is 3.11 or newer", sys.version_info >= (3, 11), remedy)


def _packages() -> Iterator[Finding]:
    """One finding for all packages, or one for each that is missing or too old."""
    problems = []
    for line in requires("lrlesson") or []:
        match = re.match(r"([\w.-]+)\s*>=\s*([\d.]+)", line)
        if match is None or "extra ==" in line:
            continue
        name, bound = match.groups()
        try:
            installed = version(name)
        except PackageNotFoundError:
            problems.append(Finding(f"{name} is installed", False, "run `make lab` again"))
            continue
        if _numbers(installed) < _numbers(bound):
            question = f"{name} is {bound} or newer (it is {installed})"
            problems.append(Finding(question, False, "run `make lab` again"))
    yield from problems or [Finding("all packages are there, in versions that fit", True, "")]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


def _training() -> Finding:
    from lrlesson import SGD, digits, net_a, train

    history = train(net_a(), digits(), SGD(), 0.5, epochs=1)
    assert history.test_accuracy is not None
    learned = bool(history.test_accuracy[0, -1] > 0.8)
    return Finding(
        "a small network learns to read digits", learned, "run `make test` and report what fails"
    )


def _storage() -> Finding:
    from lrlesson.feedback.record import progress_path

    place = progress_path().parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            fine = True
    except OSError:
        fine = False
    question = "your answers can be stored beside the course"
    return Finding(question, fine, f"make the folder {place.name} of the course writable")
