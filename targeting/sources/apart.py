"""Read a stranger's file apart: in a child process with bounds on memory, time and network.

A file made to harm can at worst end the child. `reader_process` starts once for all the readings of
a process and loads the readers; each reading is a fork of it with limits of its own. What it gives
comes back as Arrow and JSON (`parcels`), never pickled, and is checked again here. Where a system
has no such limits (Windows; macOS for memory), the watch on time is what remains: see
`missing_limits`.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec, TypeVar, cast

from targeting import errors
from targeting.config import PROJECT, ReadingLimits
from targeting.errors import SourceError, TargetingError
from targeting.sources.parcels import (
    Packer,
    ParcelError,
    conforms,
    load_answer,
    unpack_each,
)

P = ParamSpec("P")
T = TypeVar("T")

WAITING: Final = 5
"""How long the clock may run, in limits of processor time: a busy machine is slow, not hostile."""

FEW_THREADS: Final = {
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2",
    "MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system", "PROJ_NETWORK": "OFF",
    "_RJEM_MALLOC_CONF": "background_thread:false,dirty_decay_ms:0,muzzy_decay_ms:0",
}  # fmt: skip
"""Each thread takes address space, which is what is bounded; and a fork wants a single one."""

OUT_OF_MEMORY: Final = ("memory allocation of", "bad_alloc", "out of memory", "cannot allocate")
LONGEST_SAID: Final = 4096


class ReaderError(RuntimeError):
    """A reader failed in a way that is ours to mend: type and places, nothing of the file."""


@dataclass(frozen=True)
class Ended:
    """How a reading ended: what it took, and the signal that stopped it (0 where none did)."""

    signal: int
    exit: int
    seconds: float
    megabytes: float


class _Room:
    """The process in which this one's readings are done, one at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self.owner = 0
        self.last: Ended | None = None

    def open(self, module: str = "") -> subprocess.Popen[str]:
        """The process, started where there is none; it then loads `module` at once."""
        if self.process is not None and self.owner == os.getpid() and self.process.poll() is None:
            return self.process
        env = {k: v for k, v in os.environ.items() if not k.startswith(("RELANCE_", "MALLOC_"))}
        env |= FEW_THREADS | {"PYTHONPATH": str(PROJECT)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "targeting.sources.reader_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8", env=env, start_new_session=True,
        )  # fmt: skip
        self.owner = os.getpid()
        if module:
            self._ask(self.process, {"module": module, "reader": ""})
        return self.process

    @staticmethod
    def _ask(process: subprocess.Popen[str], request: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()

    def read(self, request: dict[str, Any], most_seconds: float) -> Ended | None:
        """Have one reading done; nothing where the clock ran out."""
        process = self.open()
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(process)

        watch = threading.Timer(most_seconds, stop)
        watch.start()
        try:
            self._ask(process, request)
            assert process.stdout is not None
            line = process.stdout.readline()
        except BaseException:  # whoever waits is interrupted: the reading must not go on
            self.close(kill=True)
            raise
        finally:
            watch.cancel()
        if not line:
            self.close(kill=True)
            if late.is_set():
                return None
            raise ReaderError("the reading process ended by itself")
        facts = json.loads(line)
        self.last = Ended(
            facts["signal"], facts["exit"], facts["seconds"], facts["kilobytes"] / 1024
        )
        return self.last

    def close(self, *, kill: bool = False) -> None:
        """End the process, with the reading that may be going on."""
        process, self.process = self.process, None
        if process is None or self.owner != os.getpid():
            return
        if kill:
            _kill(process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        try:
            process.stdin.close()
        except BrokenPipeError:
            logging.getLogger("relance").debug("the reading process was gone already")
        process.wait()


def _kill(process: subprocess.Popen[str]) -> None:
    """The process and its child (they have a session of their own)."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


_ROOM: Final = _Room()
atexit.register(_ROOM.close)


def get_ready(module: str) -> None:
    """Start loading this module's readers now, while the caller loads its own."""
    with _ROOM.lock:
        _ROOM.open(module)


def last_reading() -> Ended | None:
    """What the last reading of this process took."""
    return _ROOM.last


def missing_limits() -> list[str]:
    """Limits that this system does not keep: the watch on the clock remains."""
    missing = []
    if not hasattr(os, "fork"):
        missing.append("processor time")
    if not Path("/proc/self/statm").exists():
        missing.append("memory")
    return missing


def read_apart(reader: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """`reader(*args, **options)`, done in a child process within limits.

    Parameters
    ----------
    reader
        A function of `targeting.sources` that takes a file first, and gives a record of
        `parcels.RECORDS`, or several, one by one.

    Raises
    ------
    SourceError
        What the reader raised; or, naming the file and the limit, that it took too much memory or
        time, or that what it gave is not what a reader gives.
    ReaderError
        For any other exception of the reader: our fault, told without the file's data.
    """
    name = _name_of(args) or str(reader.__name__)
    folder = tempfile.TemporaryDirectory(prefix="relance-")
    try:
        answer = _answer(reader, args, options, Path(folder.name), name)
    except BaseException:
        folder.cleanup()
        raise
    if "each" in answer:
        return cast(T, _each(folder, answer["each"], name))
    with folder:
        return cast(T, next(_given(Path(folder.name), [answer.get("value")], name)))


def _name_of(args: Sequence[Any]) -> str:
    """The first file among the arguments, for messages."""
    for one in args:
        if isinstance(one, Path):
            return one.name
        if isinstance(one, list) and one and isinstance(one[0], Path):
            return ", ".join(path.name for path in one[:3]) + (" …" if len(one) > 3 else "")
    return ""


def _absolute(one: Any) -> Any:
    """The child stands where it was started, not where we stand."""
    if isinstance(one, list):
        return [_absolute(o) for o in one]
    return one.absolute() if isinstance(one, Path) else one


def _each(folder: tempfile.TemporaryDirectory[str], parcels: list[Any], name: str) -> Iterator[Any]:
    with folder:
        yield from _given(Path(folder.name), parcels, name)


def _given(folder: Path, parcels: list[Any], name: str) -> Iterator[Any]:
    try:
        for value in unpack_each(folder, parcels):
            _check(value)
            yield value
    except (ParcelError, TargetingError, KeyError, TypeError, ValueError, OSError) as error:
        raise SourceError(
            name, f"what its reader gave back is no table of ours ({type(error).__name__}).",
            way_out="The file is damaged, or made to harm: get it again from who publishes it.",
        ) from error  # fmt: skip


def _check(value: Any) -> None:
    """Look again at what a child gave: a file that took it over could have it give anything.

    Tables of addresses, voters, points, ranges and doors are checked where they are written.
    """
    from targeting.tables import Quarters, Stations, Streets

    match type(value).__name__:
        case "Outlines":
            Stations.check(value.stations)
        case "QuarterFile":
            Quarters.check(value.quarters)
        case "StreetFile":
            Streets.check(value.streets)
        case "Results":
            from targeting.sources.results.counts import check_given

            check_given(value)


# -- asking, and what went wrong ------------------------------------------------------------------


def _answer(
    reader: Callable[..., Any], args: Any, options: Any, folder: Path, name: str
) -> dict[str, Any]:
    limits = ReadingLimits.from_env()
    packer = Packer(folder)
    request = {
        "module": reader.__module__, "reader": reader.__name__, "folder": str(folder),
        "args": packer.pack([_absolute(a) for a in args]),
        "options": packer.pack(dict(options)),
        "most_bytes": limits.megabytes * 1024**2, "most_seconds": limits.seconds,
    }  # fmt: skip
    with _ROOM.lock:
        if missing := missing_limits():
            logging.getLogger("relance").warning(
                "this system does not bound %s of a reading", " and ".join(missing)
            )
        ended = _ROOM.read(request, limits.seconds * WAITING)
    if ended is None:
        _refuse_time(name, limits, "clock")
    try:
        answer = load_answer(folder)
    except ParcelError as error:
        raise SourceError(name, f"its reading gave {error}.", way_out=_OTHERWISE) from error
    if answer is None or ended.signal:
        _refuse_end(name, ended, limits, _said(folder))
    if "fault" in answer:
        _raise(name, answer["fault"], limits)
    return answer


_OTHERWISE: Final = "Get it again from who publishes it."


def _said(folder: Path) -> str:
    """The end of what libraries printed in the child; it stays there."""
    place = folder / "said"
    if not place.is_file() or place.is_symlink():
        return ""
    with open(place, "rb") as file:
        file.seek(max(0, place.stat().st_size - LONGEST_SAID))
        return file.read(LONGEST_SAID).decode("utf-8", "replace").lower()


def _refuse_end(name: str, ended: Ended, limits: ReadingLimits, said: str) -> NoReturn:
    """A child that ended without an answer: which limit it met, in words."""
    out_of_time = ended.signal == getattr(signal, "SIGXCPU", -1)
    if out_of_time or (ended.signal and ended.seconds >= limits.seconds):
        _refuse_time(name, limits, "processor")
    if ended.signal == getattr(signal, "SIGKILL", 9) or any(w in said for w in OUT_OF_MEMORY):
        _refuse_memory(name, limits)
    how = signal.Signals(ended.signal).name if ended.signal else f"exit {ended.exit}"
    raise SourceError(
        name,
        f"its reading broke off ({how}): it is damaged, or needs more than the "
        f"{limits.megabytes:,} MB that one reading may take.",
        way_out=_OTHERWISE,
    )


def _refuse_time(name: str, limits: ReadingLimits, of: str) -> NoReturn:
    most = limits.seconds if of == "processor" else limits.seconds * WAITING
    what = "seconds of processor time" if of == "processor" else "seconds"
    raise SourceError(
        name,
        f"it is not read within {most:,} {what}, the limit of one file.",
        way_out="Give a part of it (a department, say); for an honest file on a large machine, set "
        "RELANCE_READING_SECONDS.",
    )


def _refuse_memory(name: str, limits: ReadingLimits) -> NoReturn:
    raise SourceError(
        name,
        f"reading it takes more than {limits.megabytes:,} MB of memory, the limit of one file.",
        way_out="Give a part of it (a department, say); for an honest file on a large machine, set "
        "RELANCE_READING_MB.",
    )


def _raise(name: str, fault: dict[str, Any], limits: ReadingLimits) -> NoReturn:
    """What the child told of its fault, raised here."""
    match fault.get("kind"):
        case "memory":
            _refuse_memory(name, limits)
        case "size":
            raise SourceError(
                name,
                f"what it holds takes more than {limits.megabytes:,} MB, the limit of one file.",
                way_out="Give a part of it (a department, say).",
            )
        case "disk":
            number = int(fault["errno"])
            raise OSError(number, os.strerror(number), tempfile.gettempdir())
        case "panic":
            raise SourceError(
                name, "the library that reads it gave up on it: it is damaged.", way_out=_OTHERWISE
            )
        case "source":
            line, column = fault.get("line"), fault.get("column")
            if conforms(line, int | None) and conforms(column, str | None):
                raise SourceError(
                    str(fault.get("file")), str(fault.get("reason")), line=line, column=column,
                    way_out=str(fault.get("way_out")),
                )  # fmt: skip
        case "refusal":
            kind = getattr(errors, str(fault.get("name")), TargetingError)
            if isinstance(kind, type) and issubclass(kind, TargetingError):
                plain = TargetingError if issubclass(kind, SourceError) else kind
                raise plain(str(fault.get("message")))
    places = "\n  ".join(str(place) for place in fault.get("places", []))
    raise ReaderError(f"{fault.get('type', 'unknown fault')} while reading, at\n  {places}")
