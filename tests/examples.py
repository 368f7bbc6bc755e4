"""How many examples a law is tried on: all of them in `make test`, a tenth in `make check`."""

from __future__ import annotations

from hypothesis import settings


def examples(whole: int) -> int:
    """So many in the whole suite; a tenth, and three at least, under the profile `quick`."""
    return max(3, whole // 10) if settings.get_current_profile_name() == "quick" else whole
