"""Turfs changed by hand on their screen, with the keyboard alone."""

import pytest

from targeting.workflows.turfs.edits import load_hand_board, merge, split
from targeting.workflows.turfs.recut import recut_campaign_turfs


@pytest.mark.slow
def test_a_building_moves_from_the_lists_and_comes_back_by_undo(own_demo, screen):
    recut_campaign_turfs(own_demo)  # the town's first turfs were all begun
    board = load_hand_board(own_demo)
    one, other = board.can_change[:2]
    mine = board.stops[board.stops["turf_id"] == one]["building_id"].tolist()

    page = screen("retouche")
    assert not page.exception
    assert page.button(key="move").disabled
    page.selectbox(key="hand_from").select(one).run()
    page.multiselect(key=f"buildings_{one}").select(mine[0]).run()
    page.selectbox(key="hand_to").select(other).run()
    foretold = [c.value for c in page.caption if " passera de " in c.value]
    assert len(foretold) == 2
    page.button(key="move").click().run()
    assert not page.exception
    held = load_hand_board(own_demo).stops.set_index("building_id")["turf_id"]
    assert held[mine[0]] == other
    assert "Déplacé" in page.success[0].value
    now = load_hand_board(own_demo).turfs.set_index("turf_id")["minutes_expected"]
    for turf_id in (one, other):
        (said,) = (c for c in foretold if c.startswith(turf_id))
        assert said.endswith(f"à {now[turf_id]:.0f} min."), "what was foretold came"

    page.button(key="undo").click().run()
    held = load_hand_board(own_demo).stops.set_index("building_id")["turf_id"]
    assert held[mine[0]] == one
    assert "comme avant" in page.success[0].value


@pytest.mark.slow
def test_who_comes_second_is_told_what_moved_and_changes_nothing(own_demo, screen):
    recut_campaign_turfs(own_demo)
    one, other = load_hand_board(own_demo).can_change[:2]
    page = screen("retouche")
    page.multiselect(key="hand_turfs").select(one).run()
    merge(own_demo, [one, other])  # in another window
    before = load_hand_board(own_demo).versions
    page.button(key="split").click().run()
    assert not page.exception
    assert load_hand_board(own_demo).versions == before
    assert f"{one}, {other}. Ils sont montrés" in page.warning[0].value
    split(own_demo, one)
    before = load_hand_board(own_demo).versions
    page.button(key="undo").click().run()  # of the merging, which is no longer the last change
    assert load_hand_board(own_demo).versions == before
    assert one in page.warning[0].value
    page.button(key="undo").click().run()
    assert not page.warning
    assert load_hand_board(own_demo).versions != before


def test_without_turfs_the_screen_says_what_to_do(tmp_path, monkeypatch, screen):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(tmp_path / "nothing"))
    page = screen("retouche", lang="en")
    assert not page.exception
    assert "cut some first" in page.info[0].value
