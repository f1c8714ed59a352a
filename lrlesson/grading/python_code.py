"""What a piece of a learner's code does with names, read and never run."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import warnings
from dataclasses import dataclass
from functools import lru_cache

UNUSUAL = re.compile(
    "__import__|__builtins__|__globals__|__loader__|__subclasses__|__code__|builtins|importlib|sys"
    "|os|ctypes|gc|inspect|marshal|pickle|subprocess|socket|signal|threading|exec|eval|compile|open"
    "|globals|locals|vars|get_ipython|IPython|ipykernel|_getframe|settrace"
)
SHELL = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?[!%].*$", re.MULTILINE)
CELL_MAGIC = re.compile(r"\A\s*%%(?P<name>\w*).*\n?")
AS_PYTHON = ("time", "timeit", "capture", "prun")  # cell magics whose cell is Python all the same
DYNAMIC = ("exec", "globals", "locals", "vars")  # with these a cell may bind any name
OURS = ("check", "hint", "solution", "reset", "summary", "progress", "parsons", "predict")
BUILTIN = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "__file__"}


@dataclass(frozen=True)
class Names:
    """Names of some code at the level of the notebook.

    bound: those that it defines; used: those that it takes from elsewhere; touched: those whose
    object it may change; anything: whether it may bind names that cannot be read from it.
    """

    bound: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    anything: bool = False


def python(source: str) -> str:
    """The code as Python knows it: each line of the shell or of IPython does nothing."""
    if match := CELL_MAGIC.match(source):
        source = source[match.end() :] if match["name"] in AS_PYTHON else "pass"
    return SHELL.sub(r"\1pass", source)


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of some code; None where it is not Python, or too deep to be parsed.

    A line that begins with % may as well be the rest of an expression, so code that is Python as
    it stands is taken as it stands.
    """
    for text in dict.fromkeys((source, python(source))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


@lru_cache(maxsize=20_000)
def names(source: str) -> Names:
    """What the code binds, uses and may change; nothing where it is not Python."""
    tree = parsed(source)
    if tree is None:
        return Names()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_global():
                used.add(symbol.get_name())
                if symbol.is_declared_global() and symbol.is_assigned():
                    bound.add(symbol.get_name())
    touched, anything = set(), "%run" in source
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            touched.add(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if isinstance(call.func, ast.Attribute):
                touched.add(_root(call.func))
            elif isinstance(call.func, ast.Name) and call.func.id == "setattr" and call.args:
                touched.add(_root(call.args[0]))
        elif isinstance(node, ast.ImportFrom):
            anything |= node.names[0].name == "*"
        elif isinstance(node, ast.Name):
            anything |= node.id in DYNAMIC
    bound.discard("*")
    return Names(
        frozenset(bound), frozenset(used - bound - BUILTIN), frozenset(touched - {""}), anything
    )


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def defines(source: str) -> tuple[str, ...]:
    """The functions, classes and values that some code defines at its own level, in order."""
    tree, found = parsed(source), []
    for node in tree.body if tree else []:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            inside = [leaf for target in targets for leaf in ast.walk(target)]
            found += [n.id for n in inside if isinstance(n, ast.Name) and n.id not in found]
    return tuple(dict.fromkeys(found))


def only_asks(source: str) -> bool:
    """Whether the code does no more than call the course's own functions: hint("adam"), say."""
    tree = parsed(source)
    if tree is None or not tree.body:
        return False
    return all(
        (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lrlesson.feedback"))
        or (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in OURS
        )
        for node in tree.body
    )


def is_stub(source: str, given: str) -> bool:
    """True for a cell that is empty or does what the handed-out stub does."""
    return not source.strip() or source.strip() == given.strip() or _tree(source) == _tree(given)


def imports_library(source: str) -> set[str]:
    """The parts of our own library that some code imports, also by their names in text."""
    tree = parsed(source)
    if tree is None:
        return {"lrlesson"} if re.search(r"\b(import|from)\s+lrlesson\b", source) else set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= set(re.findall(r"^lrlesson(?:\.\w+)*$", node.value))
        elif isinstance(node, ast.Name) and node.id == "lrlesson":
            names.add(node.id)
    return {name[:80] for name in names if name.split(".")[0] == "lrlesson"}


def uses_unusual(source: str) -> set[str]:
    """The names in some code that no exercise needs, and with which one looks around or hides."""
    tree = parsed(source)
    if tree is None:
        return set(filter(UNUSUAL.fullmatch, re.findall(r"\w+", source)))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Import):
            used |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add((node.module or "").split(".")[0])
    return set(filter(UNUSUAL.fullmatch, used))


def _tree(source: str) -> str:
    """The code without comments, white space and docstrings; unique text if it does not parse."""
    tree = parsed(source)
    if tree is None:
        return "not Python: " + source
    try:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    del node.body[0]
        return ast.dump(tree)
    except (RecursionError, MemoryError):
        return "not Python: " + source
