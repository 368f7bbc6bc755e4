"""What one touch of the workbench costs: what did not change is neither made nor sent again."""

import pytest

from targeting.maps import files, view
from targeting.maps.cards import card
from targeting.web import cards, loaders

WORK = {
    "classes": (files, "build_classes"),
    "table": (view, "station_listing"),
    "total": (view, "total_at"),
    "total of a choice": (view, "total_of"),
    "card": (card, "build_card"),
    "past": (cards, "history_svg"),
    "campaign": (loaders, "campaign_card"),
}


@pytest.fixture
def done(monkeypatch):
    """The works of the screen, by name, as they are done."""
    names = []
    for name, (where, what) in WORK.items():
        work = getattr(where, what)

        def noted(*args, work=work, name=name, **kwargs):
            names.append(name)
            return work(*args, **kwargs)

        monkeypatch.setattr(where, what, noted)
    return names


def touch(test, *stations):
    """The map says that these are chosen."""
    test.session_state["stations_chosen"] = list(stations)
    test.session_state["table_turn"] = test.session_state["table_turn"] + 1 if stations else 0
    return test.run()


def sent(test):
    """What is long and stays: the table, the lists of names, as they go over the socket."""
    (table,) = test.dataframe
    lists = {one.key: one.proto for one in test.selectbox if one.key in ("named", "rival")}
    protos = {"table": table.proto, **lists}
    return {name: proto.SerializeToString(deterministic=True) for name, proto in protos.items()}


def test_a_touch_makes_only_what_it_changes(demo, screen, done, monkeypatch):
    board = loaders.load_board()
    monkeypatch.delitem(board.__dict__, "once", raising=False)  # what other tests had made of it
    test = screen("carte")
    test.session_state["table_turn"] = 0
    ids = list(board.table.index[:3])
    assert done.count("table") == 1
    for metric in ("abstention", "priority", "left"):
        done.clear()
        test.segmented_control(key="metric").set_value(metric).run()
        assert not done, metric
    done.clear()
    touch(test, ids[0])
    assert sorted(done) == ["card", "past", "total of a choice"]
    touch(test, ids[1])
    done.clear()
    touch(test, ids[0])
    assert not done, "its card was made before"
    done.clear()
    test.slider(key="min_abstention").set_value(30).run()
    assert not done, "the words of the table are those of before"
    done.clear()
    test.slider(key="min_abstention").set_value(0).run()
    assert not done
    assert not test.exception


def test_what_a_browser_holds_is_the_same_to_the_byte(demo, screen):
    test = screen("carte")
    test.session_state["table_turn"] = 0
    ids = list(loaders.load_board().table.index[:3])
    before = sent(test)
    test.segmented_control(key="metric").set_value("abstention").run()
    assert sent(test) == before
    first = sent(touch(test, ids[0]))
    then = sent(touch(test, ids[1]))
    assert first["named"] == then["named"] == before["named"]
    assert first["rival"] == then["rival"]
    assert first["table"] != then["table"], "another row is ticked"
    test.slider(key="min_abstention").set_value(1).run()
    assert sent(test) == then, "nobody was filtered away"


def test_another_window_is_sent_what_the_first_was(demo, screen):
    assert sent(screen("carte")) == sent(screen("carte"))
