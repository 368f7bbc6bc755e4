"""What a page of Streamlit's may run and ask for (Content-Security-Policy), and no more.

Each source beyond our own origin is told with what breaks without it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final

_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def hash_of(text: str | bytes) -> str:
    """How a policy names an inline script or style: by its digest.

    >>> hash_of("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    raw = text.encode() if isinstance(text, str) else text
    return "sha256-" + base64.b64encode(hashlib.sha256(raw).digest()).decode()


@lru_cache(maxsize=8)
def policy_of(page: bytes) -> bytes:
    """The policy of a page as it is sent: its inline scripts, our files and Streamlit's."""
    scripts = " ".join(f"'{hash_of(inline)}'" for inline in _INLINE.findall(page))
    return "; ".join(
        (
            "default-src 'none'",
            # blob: Streamlit hands a component's code (our maps) to the browser as one;
            # 'wasm-unsafe-eval': a turf map (deck.gl) stays white, messages are read more slowly
            f"script-src 'self' {scripts} blob: 'wasm-unsafe-eval'",
            # 'unsafe-inline': every style of Streamlit's and of the maps is written by script
            "style-src 'self' 'unsafe-inline'",
            # data, blob: icons in style sheets, patterns of the maps, pictures of charts
            "img-src 'self' data: blob:",
            # data: the letters of Streamlit's table grid and charts' buttons
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "base-uri 'none'",
        )
    ).encode()
