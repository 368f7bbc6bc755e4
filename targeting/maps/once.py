"""What follows from a table that never changes: made once, the last asked for kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final, TypeVar, cast

Made = TypeVar("Made")

MOST: Final = 64


class Once:
    """Keeps the `most` answers asked for last; readers of several windows share them."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def of(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made the first time that `key` is asked for.

        Two who ask at once may both make it; both are given one and the same.
        """
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return cast("Made", self._made[key])
        made = make()
        with self._lock:
            kept = self._made.setdefault(key, made)
            self._made.move_to_end(key)
            while len(self._made) > self.most:
                self._made.popitem(last=False)
        return cast("Made", kept)


class Same:
    """A key that is equal to itself alone, for what has no hash; it keeps the thing alive."""

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)
