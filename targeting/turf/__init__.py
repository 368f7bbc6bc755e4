"""Turfs: who is next to whom on foot, the cut into equal outings, the walking order.

>>> from targeting.turf import build_street_graph, cut_turfs  # doctest: +SKIP
>>> cut = cut_turfs(buildings, build_street_graph(buildings, streets), minutes=120)
... # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from targeting.turf.cut import Cut, cut_turfs
    from targeting.turf.graph.build import build_street_graph
    from targeting.turf.graph.model import StreetGraph
    from targeting.turf.identity import DoorsIdentity
    from targeting.turf.kernels.warm import warm_kernels
    from targeting.turf.minutes import TimeModel, expected_minutes
    from targeting.turf.walk import Walk, address_lines, walk_order

__all__ = [
    "Cut",
    "DoorsIdentity",
    "StreetGraph",
    "TimeModel",
    "Walk",
    "address_lines",
    "build_street_graph",
    "cut_turfs",
    "expected_minutes",
    "walk_order",
    "warm_kernels",
]

_HOMES: Final = {
    "Cut": "cut",
    "DoorsIdentity": "identity",
    "StreetGraph": "graph.model",
    "TimeModel": "minutes",
    "Walk": "walk",
    "address_lines": "walk",
    "build_street_graph": "graph.build",
    "cut_turfs": "cut",
    "expected_minutes": "minutes",
    "walk_order": "walk",
    "warm_kernels": "kernels.warm",
}
"""Name → its module, loaded when the name is asked for: who lists turfs needs no kernels."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
