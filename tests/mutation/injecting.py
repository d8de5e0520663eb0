"""Two ways to put a faulty module in place of a good one."""

import ast
import gc
import importlib.util
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, FunctionType


class Faulty(SourceFileLoader):
    """Finds and loads one module, from changed code: for a process that has not imported it."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self.changed = code

    def get_code(self, fullname: str) -> CodeType:
        return self.changed

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)


def compiled(tree: ast.Module, path: str) -> CodeType | None:
    """The tree's code, or None where the fault made it no Python."""
    try:
        return compile(ast.fix_missing_locations(tree), path, "exec")
    except (SyntaxError, ValueError, TypeError):
        return None


def living_functions(path: str) -> list[FunctionType]:
    """All functions of a file that exist in this process, inner ones and methods too."""
    functions = (thing for thing in gc.get_objects() if isinstance(thing, FunctionType))
    return [function for function in functions if function.__code__.co_filename == path]


def replace(functions: Iterable[FunctionType], code: CodeType) -> None:
    """Give functions the code that they have in `code`, their module's. What ran at import does not run again.

    ValueError where a function's closure has changed.
    """
    new = {_key(inner): inner for inner in _codes(code)}
    for function in functions:
        function.__code__ = new.get(_key(function.__code__), function.__code__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
