"""How a kernel is compiled: once per machine, and anew when any file of this folder changes.

numba alone looks at the file that a compiled loop stands in, and would go on with an old copy of
what it calls in another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)

Loop = TypeVar("Loop", bound=Callable[..., Any])


def stamp_of(folder: Path) -> bytes:
    """What all modules of a folder say, as one digest."""
    content = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        content.update(hashlib.sha256(path.name.encode()).digest())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.digest()


STAMP: Final = stamp_of(Path(__file__).parent)


class _Together:
    """A place on the disk whose copies are good as long as the whole folder is as it was."""

    def get_source_stamp(self) -> bytes:
        return STAMP


class _Provided(_Together, UserProvidedCacheLocator):
    """In NUMBA_CACHE_DIR, where that is set."""


class _Beside(_Together, InTreeCacheLocator):
    """In `__pycache__` beside the module, where one may write there."""


class _OfUser(_Together, UserWideCacheLocator):
    """In the user's own cache."""


class _Copies(CompileResultCacheImpl):
    _locator_classes: list[type[object]] = [_Provided, _Beside, _OfUser]  # noqa: RUF012 (numba's)


class _Cache(FunctionCache):
    _impl_class = _Copies


def kernel(loop: Loop) -> Loop:
    """Compile a loop at its first call, or take the copy on the disk; it lets go of the interpreter
    while it runs."""
    compiled: Any = njit(nogil=True)(loop)
    compiled._cache = _Cache(loop)  # type: ignore[no-untyped-call]
    return cast(Loop, compiled)
