"""Tables for screens: what Streamlit is given to send, against what pandas would have it send."""

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_anything_to_pandas_df, convert_pandas_df_to_arrow_bytes
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData

from targeting.maps.listing import Listing, station_listing


def sent(styler):
    proto = ArrowData()
    marshall_styler(proto, styler, "here")
    values = convert_anything_to_pandas_df(styler, ensure_copy=False)
    proto.data = convert_pandas_df_to_arrow_bytes(values)
    return proto


def pandas_own(listing):
    return listing.rows.style.format(listing.say).set_uuid(listing.styled.uuid)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)], ids=["all", "none"])
def test_a_listing_sends_what_pandas_styler_would_to_the_byte(board, language, rows):
    listing = station_listing(board, board.table[rows], language)
    assert sent(listing.styled) == sent(pandas_own(listing))


def test_missing_and_masked_cells_and_text_are_sent_as_pandas_would():
    rows = pd.DataFrame(
        {
            "count": pd.array([1, None, 12], dtype="Int64"),
            "rate": [0.5, float("nan"), -0.0],
            "text": ["a", None, "<b>=1+1"],
            "truth": [True, False, True],
        },
        index=[7, 7, 3],
    )
    say = {name: (lambda v: "—" if pd.isna(v) else f"[{v}]") for name in rows}
    listing = Listing(["x", "y", "z"], rows, say)
    assert sent(listing.styled) == sent(Listing([], rows, say).styled)
    assert list(listing.words["count"]) == ["[1]", "—", "[12]"]
    listing = Listing(["x", "y", "z"], rows.reset_index(drop=True), say)
    assert sent(listing.styled) == sent(pandas_own(listing))


def test_a_listing_is_put_into_words_once_and_has_one_name(board):
    asked = []

    def say(value):
        asked.append(value)
        return str(value)

    listing = Listing(["x"], pd.DataFrame({"n": [1, 2]}), {"n": say})
    first = sent(listing.styled)
    assert sent(listing.styled) == first
    assert asked == [1, 2]
    again = station_listing(board, board.table, "fr")
    assert sent(again.styled) == sent(station_listing(board, board.table, "fr").styled)
