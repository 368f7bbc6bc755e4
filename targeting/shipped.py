"""Where the files that come with the code lie: in a checkout beside it, installed within it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent
CHECKOUT: Final = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
"""The project's folder, or None where the package was installed."""

OUR_DATA: Final = (CHECKOUT or PACKAGE) / "data"
"""Tables that are ours: blocs, outcomes, time model, the invented town."""

OUR_BLOCS: Final = OUR_DATA / "blocs.csv"

PAGES: Final = (CHECKOUT or PACKAGE) / "pages"
"""One screen a file."""

IN_CHECKOUT: Final = "python -m targeting"
PROGRAM: Final = IN_CHECKOUT if CHECKOUT else "relance"
"""How the command line is called here; sentences of the code name it as in a checkout."""

OPENED_BY: Final = "make run" if CHECKOUT else "relance serve"
"""What somebody types to see the dashboard."""
