"""The process that readers work in: started by `apart`, one reading a fork, each within limits.

It loads the readers once, then waits for requests, a line of JSON each; for each it forks, and the
child sets its limits before it looks at the file. Where there is no fork, it reads the one file
itself and ends. Nothing of the file is ever printed: faults are told by their type and place.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from targeting.errors import SourceError, TargetingError
from targeting.sources.parcels import Packer, Unpacker, write_answer

SPARE_BYTES: Final = 64 * 1024**2
"""Memory beyond the limit in which a child that met it can still say so."""

SPARE_SECONDS: Final = 2
ROOM: Final = "targeting.sources."
_MEMORY_WORDS: Final = (
    "bad_alloc", "malloc of size", "realloc of size", "memory allocation of", "out of memory",
    "cannot allocate memory", "std::bad_array_new_length", "unable to allocate",
)  # fmt: skip
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_TRACED: Final = 12


def _limits() -> ModuleType | None:
    """The module of limits; nothing on a system that has none (Windows)."""
    try:
        return import_module("resource")
    except ImportError:
        return None


def bytes_taken() -> tuple[int, int] | None:
    """Address space and memory that this process has taken so far, where the system tells."""
    try:
        space, memory, *_ = Path("/proc/self/statm").read_text("ascii").split()
    except OSError:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return int(space) * page, int(memory) * page


def set_limits(most_bytes: int, most_seconds: int) -> None:
    """Bound this process: memory (as address space), processor time, files, dumps.

    What it has in memory already, and the spare, are within `most_bytes`; half of that is left to
    the reading in any case.
    """
    resource = _limits()
    if resource is None:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (most_seconds, most_seconds + SPARE_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    taken = bytes_taken()
    if taken is not None:
        space, memory = taken
        bound = space + max(most_bytes - memory - SPARE_BYTES, most_bytes // 2)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound + SPARE_BYTES))


def leave_the_network() -> bool:
    """Go where there is no network but an own, empty one; False where the system forbids it."""
    import ctypes

    new_user, new_net = 0x10000000, 0x40000000
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (new_net, new_user | new_net))


def _breathe() -> None:
    """Let a child that met its bound of memory say so."""
    resource = _limits()
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


# -- one reading ---------------------------------------------------------------------------------


def read_once(request: dict[str, Any]) -> None:
    """Run the reader asked for and lay down what it gives, or why it gave nothing."""
    folder = Path(request["folder"])
    try:
        answer = _read(request, folder)
    except BaseException as error:  # noqa: BLE001 (told to the parent, whatever it is)
        _breathe()
        answer = {"fault": fault_of(error)}
    write_answer(folder, answer)


def _read(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    reader = getattr(import_module(request["module"]), request["reader"])
    unpacker, packer = Unpacker(folder), Packer(folder)
    given = reader(*unpacker.unpack(request["args"]), **unpacker.unpack(request["options"]))
    if isinstance(given, Iterator):
        return {"each": [packer.pack(one) for one in given]}
    return {"value": packer.pack(given)}


def fault_of(error: BaseException) -> dict[str, Any]:
    """A fault as plain JSON: what a user may read of it, else its type and place only."""
    if _is_of_memory(error):
        return {"kind": "memory"}
    if isinstance(error, SourceError):
        facts = {"file": error.file, "reason": error.reason, "line": error.line,
                 "column": error.column, "way_out": error.way_out}  # fmt: skip
        return {"kind": "source", **facts}
    if isinstance(error, TargetingError):
        return {"kind": "refusal", "name": type(error).__name__, "message": str(error)}
    if isinstance(error, OSError) and error.errno in (*_DISK, errno.EFBIG):
        return {"kind": "size" if error.errno == errno.EFBIG else "disk", "errno": error.errno}
    if type(error).__name__ == "PanicException":  # of Rust: no Exception
        return {"kind": "panic"}
    frames = traceback.extract_tb(error.__traceback__)[-_TRACED:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"kind": "fault", "type": type(error).__name__, "places": places}


def _is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, under whatever name a library gives it."""
    at: BaseException | None = error
    while at is not None:
        words = "" if isinstance(at, TargetingError) else str(at).lower()
        if isinstance(at, MemoryError) or any(word in words for word in _MEMORY_WORDS):
            return True
        at = at.__cause__ or at.__context__
    return False


# -- the process ---------------------------------------------------------------------------------


def _in_a_fork(request: dict[str, Any]) -> dict[str, Any]:
    """One reading in a child of its own; how it ended."""
    heard, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        os._exit(_in_the_child(request))
    os.close(held)
    ready, _, _ = select.select([heard, sys.stdin], [], [])
    if heard not in ready:  # whoever asked is gone, or tired of waiting
        os.kill(child, signal.SIGKILL)
    os.close(heard)
    _, status, used = os.wait4(child, 0)
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "seconds": used.ru_utime + used.ru_stime,
        "kilobytes": used.ru_maxrss,
    }


def _in_the_child(request: dict[str, Any]) -> int:
    try:
        said = os.open(Path(request["folder"]) / "said", os.O_WRONLY | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        for ours, theirs in ((nothing, 0), (nothing, 1), (said, 2)):
            os.dup2(ours, theirs)
        leave_the_network()
        set_limits(request["most_bytes"], request["most_seconds"])
        read_once(request)
    except BaseException:  # noqa: BLE001 (a child must never go on as its parent)
        return 1
    return 0


def serve() -> None:
    """Answer requests until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked ends us
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    while line := sys.stdin.readline():
        request = json.loads(line)
        if not request["module"].startswith(ROOM):
            raise ValueError("readers are of targeting.sources")
        with suppress(ImportError):  # told by the child, as any fault
            import_module(request["module"])
        if not request["reader"]:
            continue  # only to be ready
        if hasattr(os, "fork"):
            ended = _in_a_fork(request)
        else:
            read_once(request)
            ended = {"signal": 0, "exit": 0, "seconds": 0.0, "kilobytes": 0}
        answers.write(json.dumps(ended) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
