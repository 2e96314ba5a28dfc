"""Puts a mutant in the place of a module that is loaded: into its functions, or under a new import of everything.

A function looks its code up at each call, so whoever holds the function runs the mutant, at once and without an import.
What runs at import, such as a constant or a class body, needs the other way.
"""

import gc
import sys
from collections.abc import Iterable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType

from mutants import PACKAGE

#: A function of a file, by its name in it and its first line.
Spot = tuple[str, str, int]


class Functions:
    """The functions of the package that are loaded, wherever they are held."""

    def __init__(self) -> None:
        self._loaded: dict[Spot, list[FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(str(PACKAGE)):
                self._loaded.setdefault(_spot(each.__code__), []).append(each)

    def place(self, code: CodeType) -> bool:
        """Give the functions of a module the code that they have in *code*; return False if that is not possible."""
        pairs = [(function, new) for new in _inner(code) for function in self._loaded.get(_spot(new), ())]
        changed = [(function, new) for function, new in pairs if function.__code__ != new]
        for function, new in changed:
            if function.__code__.co_freevars != new.co_freevars:
                return False
            function.__code__ = new
        return bool(changed)


class Swapped(MetaPathFinder):
    """Finds one module, with other code."""

    def __init__(self, path: Path, code: CodeType) -> None:
        self._name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        self._path, self._code = path, code

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find it."""
        if fullname != self._name:
            return None
        return spec_from_file_location(fullname, self._path, loader=_Loader(fullname, str(self._path), self._code))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


def forget(folders: Iterable[Path]) -> None:
    """Forget every module that was loaded from *folders*, so that it is imported anew."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and any(Path(file).is_relative_to(folder) for folder in folders):
            del sys.modules[name]


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)


def _spot(code: CodeType) -> Spot:
    return code.co_filename, code.co_qualname, code.co_firstlineno
