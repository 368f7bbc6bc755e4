"""Turfs: who is next to whom on foot, the cut into equal outings, the walking order.

>>> from targeting.turf import build_street_graph, cut_turfs  # doctest: +SKIP
>>> cut = cut_turfs(buildings, build_street_graph(buildings, streets), minutes=120)
... # doctest: +SKIP
"""

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
