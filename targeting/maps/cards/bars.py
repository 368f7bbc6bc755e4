"""A figure between its bounds, as a picture of ours: point, interval, the campaign's mean."""

from __future__ import annotations

from html import escape
from typing import Final

from targeting.locale import number_in
from targeting.maps.cards.certainty import Bar

WIDTH: Final = 320
HEIGHT: Final = 34


def bar_svg(bar: Bar, language: str) -> str:
    """The bar as an SVG in `currentColor`; its `<title>` says the same in words.

    On one scale for every station of the board, from 0 to `bar.top`.
    """

    def at(value: float) -> float:
        return round(min(max(value / bar.top, 0.0), 1.0) * (WIDTH - 12) + 6, 1)

    point, mean = at(bar.point), at(bar.mean)
    parts = [
        f'<path d="M6 15H{WIDTH - 6}" stroke="currentColor" stroke-width="1" opacity=".35"/>',
    ]
    if bar.low is not None and bar.high is not None:
        low, high = at(bar.low), at(bar.high)
        parts.append(
            f'<rect x="{low}" y="10" width="{max(high - low, 1):.1f}" height="10" rx="3"'
            ' fill="currentColor" opacity=".3"/>'
        )
    parts += [
        f'<path d="M{mean} 5V25" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>',
        f'<circle cx="{point}" cy="15" r="5" fill="currentColor"/>',
        '<text x="6" y="33">0</text>',
        f'<text x="{WIDTH - 6}" y="33" text-anchor="end">{number_in(language, bar.top)}</text>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 2}"'
        ' role="img" fill="currentColor" font-size="9" style="width:100%;height:auto">'
        f"<title>{escape(bar.words)}</title>{''.join(parts)}</svg>"
    )
