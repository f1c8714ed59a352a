"""Runs a learner's answer so that nothing it does can hurt: it may raise, hang, print or scribble.

An answer that does not end is stopped by an interval timer on Linux and macOS, in the main thread,
which is where notebook cells run. What counts is the time that the answer computed, so a busy
machine stops nobody's right answer; one that only waits is stopped as soon. The clock stands still
while the answer imports: a library on a cold disk takes seconds, and half of a module is no use.
Nor is garbage collected meanwhile, which in a large notebook takes as long as an answer may.
On Windows there is no such timer: there, interrupt the kernel.
Nor can the timer stop one long call inside NumPy; it acts when that call returns.
"""

import builtins
import contextlib
import dis
import gc
import io
import linecache
import signal
import sys
import threading
import time
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Unfit

HERE = Path(__file__).parents[1]  # lrlesson/feedback
IDLE, LONGEST = 0.05, 10  # a share of the time that is no computing; times the seconds allowed
# In a browser there is one thread, and no clock for it alone.
computed_time = getattr(time, "thread_time", time.process_time)
PATIENCE = 5  # so many times a running answer may catch what stops it, then it is shot at faster


@dataclass(frozen=True)
class CaseOutcome:
    """What came of one case.

    `kind` is "value", "none" (it returned None), "other" (nothing numeric), "unfit" (numbers that
    the next step could not use), "raised", "stub" (NotImplementedError) or "hung"; `array` the
    value in float64 where kind is "value"; `shown` the same for a reader. `type` is the word for
    what the answer itself gave: "array", "number", "tuple", "list", "matrix" or "", and `whole`
    says whether it can hold whole numbers only.
    """

    kind: str
    shown: str
    array: np.ndarray | None = None
    type: str = ""
    whole: bool = False


class TimeUp(BaseException):
    """Raised inside an answer that runs for too long. No `except Exception` stops it."""


class _Imports:
    """Measures what is spent in `import` statements: seconds that passed, seconds computed."""

    LONGEST = 60.0  # seconds: an import that takes longer is no import

    def __init__(self) -> None:
        self.passed = self.computed = 0.0
        self._since: tuple[float, float] | None = None  # of the outermost import under way

    @property
    def under_way(self) -> bool:
        """Whether one is, and is not yet too long."""
        return self._since is not None and time.perf_counter() - self._since[0] < self.LONGEST

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        plain = builtins.__import__

        def watching(*arguments: Any, **named: Any) -> Any:
            if self._since is not None:
                return plain(*arguments, **named)
            self._since = began = time.perf_counter(), computed_time()
            try:
                return plain(*arguments, **named)
            finally:
                self.passed += time.perf_counter() - began[0]
                self.computed += computed_time() - began[1]
                self._since = None

        builtins.__import__ = watching
        try:
            yield
        finally:
            builtins.__import__ = plain


class _Sink(io.TextIOBase):
    """Swallows what an answer prints, however much, and remembers that it did."""

    wrote = False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.wrote = True
        return len(text)


class Runner:
    """Runs cases within one time budget; after a hang it runs nothing more.

    Use as a context manager: `with Runner(answers, seconds) as run: outcome = run(case)`.
    `run.printed` tells whether the answer printed anything.
    """

    def __init__(self, answers: tuple[Any, ...], seconds: float) -> None:
        self.answers, self.seconds = answers, seconds
        self.hung = False
        self._running = False
        self._sink, self._imports = _Sink(), _Imports()

    @property
    def printed(self) -> bool:
        return self._sink.wrote

    def __enter__(self) -> "Runner":
        self._stack = contextlib.ExitStack()
        if gc.isenabled():
            gc.disable()
            self._stack.callback(gc.enable)
        self._stack.enter_context(self._timer())
        self._stack.enter_context(self._imports.watched())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def _timer(self) -> Iterator[None]:
        in_main = threading.current_thread() is threading.main_thread()
        if not (hasattr(signal, "setitimer") and in_main):
            yield
            return

        fired = 0
        began = time.perf_counter(), computed_time()

        def has_time_left() -> bool:
            passed = time.perf_counter() - began[0] - self._imports.passed
            computed = computed_time() - began[1] - self._imports.computed
            waits = computed < IDLE * passed
            return not waits and computed < self.seconds and passed < LONGEST * self.seconds

        def stop(_number: int, frame: types.FrameType | None) -> None:
            nonlocal fired
            if not self._running or (frame and frame.f_code.co_filename == __file__):
                return
            if self._imports.under_way or (not fired and has_time_left()):
                return
            fired += 1
            if fired > PATIENCE:  # again at once, where a handler of a handler has just caught it
                signal.setitimer(signal.ITIMER_REAL, fired % 40 * 1e-6 + 1e-6, 0.02)
            else:
                _raise_once_more_in(frame)
            raise TimeUp

        handler = signal.signal(signal.SIGALRM, stop)
        tracing = sys.gettrace()
        # It fires again and again, for answers that catch everything and go on.
        before = signal.setitimer(signal.ITIMER_REAL, self.seconds, 0.02)
        try:
            yield
        finally:
            self._running = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            if self.hung:
                sys.settrace(tracing)
            signal.signal(signal.SIGALRM, handler)
            if before[0]:
                signal.setitimer(signal.ITIMER_REAL, *before)

    def __call__(self, case: Case) -> CaseOutcome:
        if self.hung:
            return CaseOutcome("hung", "was not run")
        quiet = contextlib.ExitStack()
        with quiet:
            quiet.enter_context(contextlib.redirect_stdout(self._sink))
            quiet.enter_context(contextlib.redirect_stderr(self._sink))
            quiet.enter_context(np.errstate(all="ignore"))
            quiet.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            try:
                try:
                    self._running = True
                    return _seen(case, self.answers)
                finally:
                    self._running = False
            except TimeUp:
                self._running = False
                self.hung = True
                said = f"had not ended after {self.seconds:g} s and was stopped"
                return CaseOutcome("hung", said)
            except KeyboardInterrupt:
                raise
            except NotImplementedError:
                said = "raised NotImplementedError: this part is not written yet"
                return CaseOutcome("stub", said)
            except BaseException as error:  # an answer may raise anything, SystemExit too
                return CaseOutcome("raised", raised(error))


def _raise_once_more_in(frame: types.FrameType | None) -> None:
    """Let the next line of a running answer raise TimeUp, too.

    The first one may be caught (`except: pass`); the next line that runs is then in the handler,
    and what is raised there leaves the `try`.
    """

    def trace(_frame: types.FrameType, event: str, _argument: object) -> None:
        if event == "line":
            raise TimeUp

    while frame is not None and not _is_within(HERE, frame.f_code.co_filename):
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(lambda *_: None)


def _seen(case: Case, answers: tuple[Any, ...]) -> CaseOutcome:
    """What a case gives, also where an answer on the way was of no use to the next step."""
    try:
        return observed(case.run(*answers))
    except Unfit as unfit:
        came = observed(unfit.value)
        kind = "unfit" if came.kind == "value" else came.kind
        shape = "" if came.array is None else f", of shape {came.array.shape}"
        shown = came.shown + (shape if "shape" not in came.shown else "")
        return replace(came, kind=kind, array=None, shown=shown)


def observed(value: object) -> CaseOutcome:
    """A returned value, copied at once: the answer may change it later."""
    if value is None:
        return CaseOutcome("none", "returned None")
    try:
        if isinstance(value, (str, bytes)):  # NumPy would read "3" as a number
            raise TypeError
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        return CaseOutcome("other", f"returned {brief(value)}", type=_word(value))
    return CaseOutcome(
        "value",
        f"gave {numbers(value, array)}",
        array,
        _word(value),
        np.asarray(value).dtype.kind in "iub",
    )


def _word(value: object) -> str:
    """What a value is, for the ways in which its type can be another than asked for."""
    if isinstance(value, np.matrix):
        return "matrix"
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return "array"
    if isinstance(value, (tuple, list)):
        return type(value).__name__
    return "number" if np.isscalar(value) or getattr(value, "shape", None) == () else ""


def brief(value: object, limit: int = 70) -> str:
    """One short line for any object, even one whose own repr fails."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def numbers(value: object, array: np.ndarray) -> str:
    """A numeric value for a reader: small ones in full, large ones by shape and ends."""
    if array.ndim == 0:
        return f"{float(array):.6g}"
    kind = "a list" if isinstance(value, list) else "an array"
    kind = "a tuple" if isinstance(value, tuple) else kind
    if array.size <= 8:
        text = np.array2string(array, precision=6, separator=", ", suppress_small=False)
        return " ".join(text.split())
    with np.printoptions(precision=4):
        first, last = (" ".join(str(array[i]).split()) for i in (0, -1))
    return f"{kind} of shape {array.shape}, from {_cut(first)} to {_cut(last)}"


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def raised(error: BaseException) -> str:
    """The exception in one line, with the line of the learner's code where it came up."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        said = ""
    said = said if len(said) <= 120 else said[:119] + "…"
    text = f"raised {type(error).__name__}" + (f": {said}" if said else "")
    line = _own_line(error.__traceback__)
    if line:
        text += f", at the line `{line}`"
    return text


def _own_line(step: types.TracebackType | None) -> str:
    """The last line of the learner's own code in a traceback, however deep it is."""
    last = None
    while step is not None:
        if not _is_within(HERE.parent, step.tb_frame.f_code.co_filename):
            last = step
        step = step.tb_next
    if last is None:
        return ""
    return linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno).strip()


@cache
def _is_within(folder: Path, filename: str) -> bool:
    """Whether code stands in this folder of ours or in an installed package, so is no answer's."""
    return Path(filename).is_relative_to(folder) or "site-packages" in filename


def alike(a: CaseOutcome, b: CaseOutcome, rtol: float, atol: float) -> bool:
    """Whether two outcomes are the same behaviour: equal values, or both of the same other kind."""
    if a.array is None or b.array is None:
        return a.kind == b.kind and a.type == b.type
    if a.array.shape != b.array.shape:
        return False
    return bool(np.allclose(a.array, b.array, rtol=rtol, atol=atol, equal_nan=True))


def is_stub(answer: object) -> bool:
    """Whether this is nothing yet: None, `...`, or a function whose body is only that."""
    if answer is None or answer is ...:
        return True
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    steps = [i for i in dis.get_instructions(code) if i.opname not in ("RESUME", "NOP")]
    idle = {"LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return all(i.opname in idle for i in steps) and steps[0].argval in (None, ...)
