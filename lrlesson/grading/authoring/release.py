"""`lrlesson release`: from the instructor's notebooks to the exercises. It fails closed."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lrlesson.grading.authoring import source_notebooks
from lrlesson.grading.authoring.course import own_checks, read_course
from lrlesson.grading.authoring.source_notebooks import GradedExercise, lesson
from lrlesson.grading.errors import GradingError, ReleaseError
from lrlesson.grading.handed_in.graft import assemble
from lrlesson.grading.marking import score
from lrlesson.grading.marking.run import SANDBOX, UNSAFE, Job, Outcome, run
from lrlesson.grading.sandbox import bubblewrap
from lrlesson.starting import write_whole

SEEDS = (1, 2)  # the reference runs with both: a check that prints the same twice is not fresh


def release(source: Path, target: Path) -> list[Path]:
    """Write the exercises of `source` (instructor's notebooks) to `target`; return their paths.

    The files that course.toml lists and the checks of `source`/checks come along, since the
    exercises use them. Nothing is written unless everything is in order. Generated notebooks in
    `target` whose source is gone are removed. Raises ReleaseError, in one sentence, for an unknown
    role, tag or key, a duplicate id, unbalanced markers, an answer without points, a hidden check
    that asserts, fails, prints a verdict or does not depend on the seed, and for a solution line
    that would remain.
    """
    source, target = Path(source), Path(target)
    if source.resolve() == target.resolve():
        raise ReleaseError(f"{source} is both source and target, expected two folders.")
    notebooks = source_notebooks.read_sources(source)
    exercises = source_notebooks.read_exercises(notebooks)
    try:
        course = read_course(source, exercises)
    except GradingError as error:
        raise ReleaseError(str(error)) from error
    # What runs is the instructor's own, so a machine without the sandbox can release as well.
    isolation = UNSAFE if bubblewrap.problem() else SANDBOX
    released = {name: source_notebooks.released_notebook(nb) for name, nb in notebooks.items()}
    _refuse_leaks(notebooks, released)
    for exercise in exercises.values():
        if exercise.role("answer"):
            notebook = assemble(exercise, exercises, list(SEEDS), trial=True)
            job = Job(notebook, isolation=isolation, files=course.files)
            _refuse_verdicts(exercise, run(job))
    target.mkdir(parents=True, exist_ok=True)
    for path in target.glob("*.ipynb"):
        if path.name not in released and _is_generated(path):
            path.unlink()
    for name, content in course.files:
        _copy(target / name, content)
    for name, content in own_checks(source).items():
        _copy(target / name, content)
    return [_write(target / name, notebook) for name, notebook in released.items()]


def _copy(path: Path, content: bytes) -> None:
    """Put a file beside the exercises, unless it is there as it should be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def _refuse_leaks(notebooks: dict[str, NotebookNode], released: dict[str, NotebookNode]) -> None:
    """No line of any solution may stand in any exercise, in code or in prose."""
    for line in source_notebooks.solution_lines(notebooks.values()):
        for name, notebook in released.items():
            for cell in notebook.cells:
                if any(line in text for text in cell.source.splitlines()):
                    where = lesson(cell).get("id", cell.id)
                    raise ReleaseError(
                        f"{name}, {where}: the solution line {line!r} would remain in the release."
                    )


def _refuse_verdicts(exercise: GradedExercise, outcome: Outcome) -> None:
    where = f"{exercise.notebook}, {exercise.id}"
    if outcome.failure:
        raise ReleaseError(f"{where}: the reference could not be run: {outcome.failure}.")
    for done in outcome.cells:
        if done.status != "ok":
            raise ReleaseError(
                f"{exercise.notebook}, {done.id}: the reference ended with {done.status} "
                f"({done.detail})."
            )
    for check in exercise.role("hidden"):
        if "points" not in lesson(check):
            continue
        name = lesson(check)["id"]
        said = [done.text for done in outcome.cells if done.id == name]
        if any(score.is_verdict(text) for text in said):
            raise ReleaseError(
                f"{exercise.notebook}, {name}: a hidden check must print values, not a verdict "
                f"like {said[0].strip()!r}."
            )
        if not score.rows(said[0]):
            raise ReleaseError(
                f"{exercise.notebook}, {name}: a hidden check with points must print rows, "
                "label | values."
            )
        labels = [label for label, _ in score.rows(said[0])]
        if len(set(labels)) < len(labels):
            raise ReleaseError(f"{exercise.notebook}, {name}: two rows have the same label.")
        if said[0] == said[-1]:
            raise ReleaseError(
                f"{exercise.notebook}, {name}: the output does not depend on the seed, expected "
                "inputs drawn from np.random.default_rng(seed)."
            )


def _is_generated(path: Path) -> bool:
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        return any("release" in lesson(cell) for cell in notebook.cells)
    except Exception:  # whatever it is, it is not ours to remove
        return False


def _write(path: Path, notebook: NotebookNode) -> Path:
    write_whole(path, (nbformat.writes(notebook) + "\n").encode())
    return path
