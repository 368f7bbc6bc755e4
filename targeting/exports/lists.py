"""Lists of addresses as other canvassing systems take them: nobody's name, only doors.

Column names are facts read in public documentation and files: NationBuilder's import fields
(nationbuilder.com/what_fields_are_available_for_imports), VAN's printed walk list.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from targeting.cells import safe_table

LIST_LAYOUTS: Final = ("van", "nationbuilder")


def van_list(stops: pd.DataFrame) -> pd.DataFrame:
    """A walk list in VAN's words: turf, order, address in parts.

    `stops`: turf_id, visit_order, street, number, suffix, dwellings, city, postcode, longitude,
    latitude.
    """
    return pd.DataFrame(
        {
            "Turf": stops["turf_id"], "Sequence": stops["visit_order"],
            "StreetNo": stops["number"], "StreetNoHalf": stops["suffix"],
            "StreetName": stops["street"], "City": stops["city"], "Zip5": stops["postcode"],
            "Units": stops["dwellings"], "Latitude": stops["latitude"],
            "Longitude": stops["longitude"],
        }
    )  # fmt: skip


def nationbuilder_list(stops: pd.DataFrame) -> pd.DataFrame:
    """Addresses in NationBuilder's import fields: the turf a tag, the building the external id."""
    line = stops["number"].astype(str).where(stops["number"] > 0, "") + " " + stops["suffix"]
    address = (line.str.strip() + " " + stops["street"]).str.strip()
    return pd.DataFrame(
        {
            "external_id": stops["building_id"], "primary_address1": address,
            "primary_city": stops["city"], "primary_zip": stops["postcode"],
            "primary_country_code": "FR",
            "tag_list": "turf " + stops["turf_id"] + ", order "
            + stops["visit_order"].astype(str).str.zfill(3),
        }
    )  # fmt: skip


def list_bytes(table: pd.DataFrame) -> bytes:
    """A list as CSV (UTF-8 with its mark, which spreadsheets of both systems expect)."""
    text: str = safe_table(table).to_csv(index=False, lineterminator="\r\n")
    return b"\xef\xbb\xbf" + text.encode()
