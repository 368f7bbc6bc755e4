"""What a disk says when it cannot: full, read only, not ours. In words, with the way out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
READ_ONLY: Final = {errno.EROFS, errno.EACCES, errno.EPERM}

FEW_BYTES: Final = 256 * 1024
"""Below this SQLite cannot make its side files."""

NETWORK: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph"}
"""Where locks of files do not hold between machines."""


def disk_trouble(error: BaseException, root: Path) -> str | None:
    """What the disk of the workspace said no to, and what to do; nothing if it is not the disk."""
    for cause in _causes(error):
        said = str(cause).lower()
        number = cause.errno if isinstance(cause, OSError) else None
        if number in FULL or "disk is full" in said or "no space left" in said:
            return _full(root)
        if number in READ_ONLY or "readonly database" in said or "read-only file" in said:
            # a database on a full disk is opened to be read only
            return _full(root) if number is None and _is_full(root) else _read_only(root)
        unclear = "disk i/o error" in said or "unable to open database file" in said
        if unclear and _is_full(root):
            return _full(root)
        if unclear and _cannot_write(root):
            return _read_only(root)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        orig = getattr(cause, "orig", None)
        waiting += [cause.__cause__, cause.__context__]
        waiting.append(orig if isinstance(orig, BaseException) else None)


def _full(root: Path) -> str:
    return (
        f"the disk of {root} is full: free some space, then try again. What was recorded before is "
        "whole; what this command was writing is not kept."
    )


def _read_only(root: Path) -> str:
    return (
        f"{root} cannot be written (a read-only disk, or rights on the folder): what is there can "
        "still be read. Give the rights back, or copy the folder to a disk that can be written."
    )


def _is_full(root: Path) -> bool:
    try:
        free = os.statvfs(root)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize < FEW_BYTES


def _cannot_write(root: Path) -> bool:
    try:
        read_only = bool(os.statvfs(root).f_flag & os.ST_RDONLY)
    except OSError:
        return False
    return read_only or not os.access(root, os.W_OK)


def network_drive(root: Path) -> str | None:
    """The kind of network drive that the folder lies on; nothing where it is none, or unknown."""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return None
    best, kind = "", ""
    for line in mounts:
        place, found = line.split()[1:3]
        if root.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind if kind in NETWORK else None
