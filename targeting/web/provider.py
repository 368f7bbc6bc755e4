"""The identity provider of a team that has one: where it is, what it is called."""

from __future__ import annotations

import os
from typing import Final

ISSUER: Final = "RELANCE_OIDC_ISSUER"
NAME: Final = "RELANCE_OIDC_NAME"


def provider_name() -> str | None:
    """What the provider is called on the page of the door; nothing where there is none."""
    if not os.environ.get(ISSUER):
        return None
    return os.environ.get(NAME) or "OpenID Connect"
