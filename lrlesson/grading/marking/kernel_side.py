"""What a grading kernel does beside running cells. The grader never imports this file: its text is
the first cell that the kernel runs, with names of its own, before anything of a learner's.

Lines of the shell and magics that are not there fail quietly, figures are not sent, a flood of text
is cut, and the course's feedback, where it is not mounted, answers nothing. `begin` then gives the
hidden checks a namespace of their own. None of it keeps out whoever wants in: the sandbox does,
and the comparison outside.
"""

import importlib.util
import os
import sys
import types
from typing import Any

from IPython.core.getipython import get_ipython

READ = 50_000  # characters of one cell that are sent
FLOOD = 50_000_000  # and as many that are dropped; whoever prints on is stopped by the grader
shell: Any = get_ipython()
printing = print


class Cut:
    """A stream that drops what nobody would read; all else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.seen = stream, 0

    def write(self, text: str) -> int:
        self.seen += len(text)
        if READ < self.seen < FLOOD:
            return len(text)
        return int(self.stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def new_cell(*_: object) -> None:
    """Let the next cell be read again."""
    for stream in streams:
        stream.seen = 0


def nothing(*_: object, **__: object) -> None:
    """What a line of the shell does here."""


def answers_nothing(name: str) -> Any:
    """A function of the course's feedback as it is here."""
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *_, **__: types.SimpleNamespace(status="", failed=None, misconception=None)


def forgiving(name: str, line: str, _stack_depth: int = 1) -> Any:
    """A magic that cannot be had, or fails, is a line that does nothing."""
    try:
        return line_magic(name, line, _stack_depth=_stack_depth + 1)
    except Exception as error:
        printing(f"%{name}: {error}", file=sys.stderr)
        return None


def begin(asked: list[str]) -> None:
    """From here on cells have a namespace of their own, with no more than the names asked for."""
    os.chdir(folder)
    theirs, module = shell.user_ns, types.ModuleType("__main__")
    ours: dict[str, Any] = vars(module)
    ours.update({name: theirs[name] for name in asked if name in theirs})
    ours["print"] = lambda *values, **options: printing(*values, **{"file": stdout} | options)
    shell.user_module, shell.user_ns = module, ours
    shell.init_user_ns()


stdout, folder = sys.stdout, os.getcwd()  # noqa: PTH109
streams = [Cut(sys.stdout), Cut(sys.stderr)]
sys.stdout, sys.stderr = streams
shell.events.register("pre_run_cell", new_cell)
shell.system = shell.system_piped = shell.system_raw = nothing
shell.getoutput = lambda *_, **__: []
for magic in ("bash", "sh", "script", "cmd", "system", "sx"):
    shell.register_magic_function(nothing, "cell", magic)
line_magic, shell.run_line_magic = shell.run_line_magic, forgiving
shell.display_pub.publish = shell.displayhook.write_format_data = nothing
if importlib.util.find_spec("lrlesson.feedback") is None:
    feedback: Any = types.ModuleType("lrlesson.feedback")
    feedback.__getattr__ = answers_nothing
    sys.modules["lrlesson.feedback"] = feedback
this: Any = types.ModuleType("lrlesson_checks")
this.begin = begin
sys.modules["lrlesson_checks"] = this
