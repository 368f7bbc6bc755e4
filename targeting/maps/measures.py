"""What a map may colour stations by: the column that holds it, its words, and whether it ranks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from targeting.codes import DEFAULT_TARGET


class Metric(NamedTuple):
    """One layer of the map; its words are texts of the screens (`metric.…`).

    column: of the board's table. label: key of its short name. title: of the question it answers.
    unit: of what its figures count. help: of what it is made of. Where `names_share`, the keys end
    as the campaign's share of votes is named (`share_name`): ask `metric_key`. is_ranked: whether
    its order is a rank, with an interval; else it is only shown in classes.
    """

    name: str
    column: str
    label: str
    title: str
    unit: str
    help: str
    names_share: bool = False
    is_ranked: bool = False
    is_told: bool = True
    """Whether its figure has a unit that a reader knows; else its classes are words alone."""


LAYERS: Final = (
    Metric("priority", "priority", "metric.priority", "metric.priority.title",
           "metric.priority.unit", "metric.priority.help", names_share=True, is_ranked=True),
    Metric("tide", "tide", "metric.tide", "metric.tide.title", "metric.tide.unit",
           "metric.tide.help", is_told=False),
    Metric("abstention", "abstention_rate", "metric.abstention", "metric.abstention.title",
           "metric.abstention.unit", "metric.abstention.help"),
    Metric("left", "left_share", "metric.left", "metric.left.title", "metric.left.unit",
           "metric.left.help", names_share=True),
    Metric("coverage", "contacted_rate", "metric.coverage", "metric.coverage.title",
           "metric.coverage.unit", "metric.coverage.help"),
)  # fmt: skip
"""The first is shown at first: the stock, where the abstainers are. The others are chosen."""

METRICS: Final = tuple(layer.name for layer in LAYERS)

COLUMNS: Final = {layer.name: layer.column for layer in LAYERS}
"""Metric → column of the board's table."""

PER_HUNDRED: Final = ("priority", "score")
"""Shown per 100 registered voters; the others are percentages."""


def layer_of(metric: str) -> Metric:
    """The layer of that name. Raises KeyError for an unknown one."""
    return {layer.name: layer for layer in LAYERS}[metric]


def metric_key(metric: str, part: str, share: str) -> str:
    """Key of a layer's `label`, `title`, `unit` or `help`; `share`: `left` or `target`."""
    layer = layer_of(metric)
    key = str(getattr(layer, part))
    if metric == "left":
        return key.replace("metric.left", f"metric.{share}")
    is_named = layer.names_share and part in ("title", "unit")
    return f"{key}.{share}" if is_named else key


def share_name(target: Collection[str]) -> str:
    """`left` when the campaign speaks to blocs of the left alone, else `target`: the screens name
    the share of votes after it."""
    return "left" if set(target) <= set(DEFAULT_TARGET) else "target"
