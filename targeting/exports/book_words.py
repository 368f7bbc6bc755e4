"""What walk books say of turfs, stops and doors: the same words on paper and on a phone."""

from __future__ import annotations

from datetime import date, timedelta

from targeting.exports.lines import one_line
from targeting.field.books import Door, PollingStation, Stop, WalkBook
from targeting.locale import count_in, date_in, day_in, number_in, text_in
from targeting.outcomes import outcome_label


def facts_line(book: WalkBook, language: str) -> str:
    """What the turf is, in one line: minutes, doors, buildings, metres on foot."""
    told = [
        f"≈ {number_in(language, book.minutes)} min",
        count_in(language, "doors", book.n_open),
        count_in(language, "buildings", len(book.stops)),
        text_in(language, "book.walk", metres=number_in(language, book.walk_m)),
    ]
    if book.n_closed:
        told.insert(2, count_in(language, "book.closed", book.n_closed))
    return " · ".join(told)


def legal_stop(ballot: date | None, language: str) -> str:
    """When canvassing must end."""
    if ballot is None:
        return text_in(language, "book.stop_unknown")
    return text_in(language, "book.stop", date=date_in(language, ballot - timedelta(days=1)))


def station_line(station: PollingStation) -> str:
    """A polling station and where it votes."""
    place = one_line(station.polling_place, 60) if station.polling_place else ""
    return f"{station.number} ({place})" if place else station.number


def about_stop(stop: Stop, language: str) -> str:
    """Side, dwellings, and which doors are this turf's where it has a part of them."""
    told = [text_in(language, f"book.side.{stop.side}")] if stop.side else []
    told.append(count_in(language, "book.dwellings", stop.dwellings))
    if stop.is_part:
        told.append(
            text_in(language, "book.part", first=stop.doors[0].number, last=stop.doors[-1].number)
        )
    return " · ".join(told)


def door_place(stop: Stop, door: Door, language: str) -> str:
    """Where the door is in its building; the side of the street for a house."""
    if stop.is_house:
        return text_in(language, f"book.side.{stop.side}") if stop.side else ""
    floor = floor_name(door, language)
    return " · ".join([floor, door_name(door, language)] if floor else [door_name(door, language)])


def floor_name(door: Door, language: str) -> str:
    """The door's staircase and floor, as far as they are known."""
    told = []
    if door.staircase:
        told.append(text_in(language, "book.staircase", name=one_line(door.staircase, 20)))
    if door.floor is not None:
        told.append(
            text_in(language, "book.floor", floor=door.floor)
            if door.floor
            else text_in(language, "book.ground_floor")
        )
    return " · ".join(told)


def door_name(door: Door, language: str) -> str:
    """What is on the door, else its number in the building."""
    if door.label:
        return text_in(language, "book.door", name=one_line(door.label, 30))
    return text_in(language, "book.door_number", number=door.number)


def door_memory(door: Door, language: str) -> str:
    """The last visit of an open door; nothing where there was none."""
    if door.last_visit is None or door.last_outcome is None:
        return ""
    return text_in(
        language,
        "book.last_visit",
        date=day_in(language, door.last_visit),
        outcome=text_in(language, outcome_label(door.last_outcome)),
    )
