"""The screen *Fichiers*, piece by piece: the board of jobs, what a file is in words, the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.locale import election_in, number_in
from targeting.locale.messages import said
from targeting.shipped import PAGES
from targeting.web.at_hand import command
from targeting.web.ballot import choose_vote
from targeting.web.kept import workspace
from targeting.web.loaders import load_campaign
from targeting.web.words import language, plain, say, told
from targeting.workflows.guide import (
    CITIES,
    COMMANDS,
    Guide,
    Step,
    choose_communes,
    city_name,
    commune_codes,
    offered,
)
from targeting.workflows.jobs import desk
from targeting.workflows.jobs.records import Job, can_be_done_again
from targeting.workflows.jobs.town import leave_town

DROPS: Final = "drops"
TROUBLE: Final = "files_trouble"
TROUBLE_AT: Final = "files_trouble_at"
"""Keys of the session: what was refused, and the job whose button was (empty: none)."""

TICK_SECONDS: Final = 1.0
SOON: Final = 3.0
"""Fewer seconds than this are told as a moment: a number would be stale when it is read."""

FOLDED: Final = ("done", "already", "undone")
"""Phases that are told in a line once something newer is there."""


# -- dropping --------------------------------------------------------------------------------------


def drop_key() -> str:
    """The key of the field for files: another one once its files are taken, so that the server
    holds none in memory."""
    return f"drop_{st.session_state.get(DROPS, 0)}"


def take_files() -> None:
    """What was dropped is kept and looked at, whatever it is.

    The session is not touched between two files: another click of the user may end this there.
    """
    key, trouble = drop_key(), ""
    for file in st.session_state.get(key) or []:
        try:
            desk.drop_file(workspace(), file.name, file)
        except TargetingError as error:
            trouble = str(error)
    _tell_trouble(trouble)
    st.session_state[DROPS] = st.session_state.get(DROPS, 0) + 1


def show_trouble_of(job_id: str = "") -> None:
    """What was refused where this job's button was pressed; without a job, anywhere else."""
    trouble = st.session_state.get(TROUBLE)
    if trouble and st.session_state.get(TROUBLE_AT, "") == job_id:
        with st.container(border=True, key=f"files_trouble_box_{job_id}"):
            st.markdown(f"**{say('files.not_taken' if not job_id else 'files.not_done')}**")
            st.text(said(language(), trouble))


def _tell_trouble(trouble: str, at: str = "") -> None:
    """What is told from now on, if anything, and beside which job."""
    st.session_state[TROUBLE], st.session_state[TROUBLE_AT] = trouble, at


# -- the board -------------------------------------------------------------------------------------


def show_town() -> None:
    """In the invented town: no real file comes in; the way to one's own campaign."""
    st.info(say("files.demo"))
    with st.popover(say("files.leave"), key="leave"):
        st.markdown(say("files.leave_how"))
        st.button(
            say("files.leave_yes"),
            type="primary",
            key="leave_yes",
            on_click=_tried,
            args=(leave_town,),
        )
    show_trouble_of()


def show_board(jobs: list[Job]) -> None:
    """Every job; while one goes on, looked at again each second, and not afterwards.

    `jobs`: as they were before the rest of the page was read, so that it shows nothing older. Once
    one has begun, ended or gone, the page is drawn anew: by a tick or a click in here alone, for a
    rerun asked for while the page itself is drawn would lose the click that had it drawn.
    """
    drawn, at_first = _standing(jobs), [jobs]
    is_running = any(job.is_active for job in jobs)

    @st.fragment(run_every=TICK_SECONDS if is_running else None, key="board")
    def board() -> None:
        now = at_first.pop() if at_first else desk.jobs_now(workspace())
        show_trouble_of()  # here: a button of the board runs the board again, not the page
        _show_jobs(now)
        if _standing(now) != drawn:
            st.rerun()

    board()


def _standing(jobs: list[Job]) -> set[tuple[str, str, float]]:
    """What of the jobs the rest of the page stands on: which go on, and how the others ended."""
    return {(j.id, "active", 0.0) if j.is_active else (j.id, j.phase, j.ended) for j in jobs}


def _show_jobs(jobs: list[Job]) -> None:
    fresh = [job for job in jobs if job.phase not in FOLDED]
    ended = [job for job in jobs if job.phase in FOLDED]
    newest = ended[:1] if not fresh else []
    for job in [*fresh, *newest]:
        _show_job(job)
    if older := ended[len(newest) :]:
        with st.expander(told("files.older", len(older)), key="older"):
            for job in older:
                _show_job(job)


def _show_job(job: Job) -> None:
    with st.container(border=True, key=f"job_{job.id}"):
        st.markdown(f"**{plain(_title(job))}**")
        show_trouble_of(job.id)
        _SHOWN[job.phase](job)


def _title(job: Job) -> str:
    if job.act == "demo":
        return say("files.town")
    if job.source and not job.names:
        return say("files.publication", name=job.source)
    return ", ".join(job.names)


def _show_active(job: Job) -> None:
    if job.phase == "waiting":
        words = say("files.waiting")
    else:
        step = _step(job) or say("files.preparing")
        words = f"{step} · {_left(job)}" if job.begun and job.share else step
    st.progress(min(max(job.share or 0.0, 0.0), 1.0), text=plain(words))
    _button(job, "stop", desk.stop)


def _step(job: Job) -> str:
    """The step without the file's name, which stands above."""
    step = job.step
    for name in job.names:
        step = step.removeprefix(f"{name}: ")
    return said(language(), step)


def _left(job: Job) -> str:
    if job.left is None or job.left < SOON:
        return say("files.a_moment")
    return say("files.left", seconds=number_in(language(), round(job.left)))


def _show_looked(job: Job) -> None:
    for line in what_it_is(job):
        st.markdown(line)
    for line in what_changes(job):
        st.markdown(line)
    _show_notes(job)
    with st.container(horizontal=True):
        _button(job, "import", desk.ask_import, type="primary")
        _button(job, "dismiss", desk.dismiss)


def _show_asked(job: Job) -> None:
    option, choices = str(job.question.get("option", "")), job.question.get("choices", [])
    if option == "campaign":
        st.markdown(say("files.ask.campaign"))
        _button(job, "dismiss", desk.dismiss)
        return
    st.markdown(say(f"files.ask.{option}"))
    st.caption(plain(said(language(), _without_command(job.refusal))))
    key = f"answer_{job.id}_{option}"
    if option == "commune":
        choices = choices or list(CITIES.values())
    if option == "accept-new-version":
        st.session_state[key] = "yes"
    else:
        st.selectbox(
            say(f"files.answer.{option}"), choices, index=None, key=key,
            accept_new_options=option != "election",
            placeholder=say("files.choose"), format_func=lambda c: _choice(option, c),
        )  # fmt: skip

    def answered(here: Workspace, job_id: str) -> None:
        if value := str(st.session_state.get(key) or ""):
            given = commune_codes([value])[0] if option == "commune" else value
            desk.answer(here, job_id, option, given)

    with st.container(horizontal=True):
        _button(job, "answer", answered, type="primary")
        _button(job, "dismiss", desk.dismiss)


def _choice(option: str, choice: str) -> str:
    if option == "election":
        return election_in(language(), choice)
    return city_name(choice) if option == "commune" else choice


def _without_command(refusal: str) -> str:
    """A refusal up to the words to type, which the box below stands for."""
    sentences = refusal.split(". ")
    kept = [s for s in sentences if "--" not in s]
    return ". ".join(kept) if kept else refusal


def _show_refused(job: Job) -> None:
    st.markdown(say("files.refused"))
    st.caption(plain(said(language(), job.refusal)))
    _show_way_on(job)


def _show_done(job: Job) -> None:
    if job.act == "demo":
        st.markdown(say("files.town_done"))
        return
    st.markdown(say("files.done"))
    for line in what_it_is(job):
        st.markdown(line)
    if job.refusal:
        st.caption(plain(said(language(), job.refusal)))
    _show_notes(job)
    with st.container(horizontal=True):
        _button(job, "undo", desk.ask_undo)


def _show_already(job: Job) -> None:
    st.markdown(say("files.already"))
    for line in what_it_is(job):
        st.markdown(line)
    _button(job, "dismiss", desk.dismiss)


def _show_ended(job: Job) -> None:
    st.markdown(say(f"files.{job.phase}"))
    if job.phase == "undone":
        _button(job, "dismiss", desk.dismiss)
    else:
        _show_way_on(job)


def _show_way_on(job: Job) -> None:
    """Once more where that can be; else that the copy is gone."""
    can_again = can_be_done_again(workspace(), job)
    if not can_again:
        st.markdown(say("files.deleted"))
    with st.container(horizontal=True):
        if can_again:
            _button(job, "again", desk.ask_again)
        _button(job, "dismiss", desk.dismiss)


_SHOWN: Final = {
    "waiting": _show_active, "running": _show_active, "looked": _show_looked,
    "asked": _show_asked, "refused": _show_refused, "done": _show_done,
    "already": _show_already, "stopped": _show_ended, "undone": _show_ended,
    "interrupted": _show_ended,
}  # fmt: skip


def _button(job: Job, act: str, do: Callable[[Workspace, str], object], **options: Any) -> None:
    def pressed() -> None:
        _tried(lambda here: do(here, job.id), at=job.id)

    st.button(say(f"files.{act}"), key=f"{act}_{job.id}", on_click=pressed, **options)


def _show_notes(job: Job) -> None:
    notes = [str(note) for one in job.found for note in one.get("notes", [])]
    if not notes:
        return
    with st.expander(told("files.notes", len(notes)), key=f"notes_{job.id}"):
        st.markdown("\n".join(f"- {plain(said(language(), note))}" for note in notes))


# -- in words --------------------------------------------------------------------------------------


def what_it_is(job: Job) -> list[str]:
    """What the files are, a line each."""
    return [_WHAT[job.kind](one) for one in job.found if job.kind in _WHAT]


def _count(value: Any) -> str:
    return number_in(language(), value)


def _what_results(one: dict[str, Any]) -> str:
    words = {
        "election": election_in(language(), one["election_id"]),
        "stations": told("files.stations", one["stations"]),
    }
    if one["shares_only"]:
        line = say("files.what.shares", **words)
    else:
        line = say("files.what.results", registered=_count(one["registered"]), **words)
    if missing := one["missing_departments"]:
        line += " " + say("files.partial", departments=", ".join(missing), count=len(missing))
    return line


def _what_stations(one: dict[str, Any]) -> str:
    kind = "points" if one["origin"] == "points" else "outlines"
    line = say(f"files.what.{kind}", count=_count(one["stations"]), year=one["vintage"])
    if one["joins"]:
        best = max(one["joins"], key=lambda join: join["rate"])
        line += " " + say(
            "files.join", found=_count(best["found"]), stations=_count(best["stations"]),
            election=election_in(language(), best["election_id"]),
        )  # fmt: skip
    return line


def _what_addresses(one: dict[str, Any]) -> str:
    return say(
        f"files.what.{one['layout']}", rows=_count(one["rows"]), communes=_count(one["communes"]),
        voters=_count(one["voters"]), year=one["vintage"],
    )  # fmt: skip


def _what_streets(one: dict[str, Any]) -> str:
    return say("files.what.streets", km=_count(one["walked_km"]), ways=_count(one["ways"]))


def _what_doors(one: dict[str, Any]) -> str:
    return say("files.what.doors", doors=_count(one["doors"]), buildings=_count(one["buildings"]))


_WHAT: Final = {
    "results": _what_results, "stations": _what_stations, "addresses": _what_addresses,
    "streets": _what_streets, "doors": _what_doors,
}  # fmt: skip


def what_changes(job: Job) -> list[str]:
    """What the import would change, a line a table."""
    lines = []
    for change in job.changes:
        before, after = change["before"], change["after"]
        if not before:
            lines.append(say("files.change.new", rows=_count(after)))
        else:
            lines.append(
                say(
                    "files.change.over", before=_count(before), after=_count(after),
                    added=_count(change["added"]), gone=_count(change["gone"]),
                )
            )  # fmt: skip
        if job.kind in ("results", "stations"):
            key = "files.change.ours" if change["ours"] else "files.change.none_ours"
            lines.append(say(key, count=told("files.stations", change["ours"])))
    return lines


# -- the steps -------------------------------------------------------------------------------------


def show_steps(guide: Guide) -> None:
    """The five steps, folded but the next one, or the one asked for in the address."""
    asked = st.query_params.get("etape") or guide.next_step
    for number, step in enumerate(guide.steps.values(), 1):
        title = f"{number}. {say(f'step.{step.name}')} · {say(f'step.is.{step.state}')}"
        icon = ":material/check_circle:" if step.state == "done" else ":material/circle:"
        is_open = step.name == asked
        key = f"{step.name}_{'open' if is_open else 'shut'}"  # another one: it opens by itself
        with (
            st.container(key=f"step_{step.name}"),
            st.expander(title, expanded=is_open, icon=icon, key=key),
        ):
            _show_step(guide, step)


def _show_step(guide: Guide, step: Step) -> None:
    st.markdown(say(f"step.{step.name}.why"))
    if there := _there(step):
        st.markdown("\n".join(f"- {plain(line)}" for line in there))
    if step.name == "commune":
        _show_communes(guide)
    else:
        if step.name == "results" and guide.lacks and step.elections:
            st.markdown(f"**{say(f'step.results.{guide.lacks}')}**")
        st.markdown(say(f"step.{step.name}.what"))
        _show_offer(guide, step)
    with st.expander(say("step.command"), key=f"command_{step.name}"):
        st.code(command(COMMANDS[step.name]), "bash", wrap_lines=True)


def _there(step: Step) -> list[str]:
    """What of a step is in place."""
    lang = language()
    lines = [election_in(lang, e) for e in step.elections]
    for source, year, rows in step.layers:
        place = city_name(source.partition("-")[0])
        words = {"place": place, "rows": _count(rows), "year": year}
        lines.append(say(f"step.{step.name}.there", **words))
    return lines


def _show_communes(guide: Guide) -> None:
    """Choose one at first: the list closes by itself; then add others, or change."""
    there = [city_name(code) for code in guide.communes]
    known = list(dict.fromkeys([*there, *(city_name(code) for code in CITIES.values())]))
    key = "communes_" + "_".join(guide.communes)
    words: dict[str, Any] = {
        "accept_new_options": True, "placeholder": say("step.commune.placeholder"),
        "help": say("step.commune.help"), "key": key,
    }  # fmt: skip
    if there:
        st.multiselect(say("step.commune.several"), known, default=there, **words)
    else:
        st.selectbox(say("step.commune.which"), known, index=None, **words)
    label = say("step.commune.change" if guide.has_campaign else "step.commune.make")
    st.button(
        label, key="make_campaign", on_click=_make_campaign, args=(key,),
        type="secondary" if there else "primary",
    )  # fmt: skip
    if guide.has_campaign and (card := load_campaign()) is not None:
        st.markdown(f"**{say('ballot.which')}**")
        choose_vote(card)
    if not guide.has_campaign:
        st.markdown(say("step.commune.or_town"))
        st.button(
            say("step.commune.town"), key="make_town", on_click=_tried, args=(desk.order_town,)
        )


def _make_campaign(key: str) -> None:
    chosen = st.session_state.get(key) or []
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)

    def make(here: Workspace) -> None:
        choose_communes(here, chosen)
        desk.campaign_is_made(here)

    _tried(make)


def _tried(do: Callable[[Workspace], object], *, at: str = "") -> None:
    """Do what was asked; what refuses it is told, `at` the job whose button it was. The address no
    longer asks for a step.

    Done before the session is touched: another click of the user may end this there.
    """
    trouble = ""
    try:
        do(workspace())
    except TargetingError as error:
        trouble = str(error)
    _tell_trouble(trouble, at)
    if "etape" in st.query_params:
        del st.query_params["etape"]


def _show_offer(guide: Guide, step: Step) -> None:
    """What can be fetched for a step, from whom, under which licence, and the button."""
    offers = offered(step.name, step.elections)
    if not offers:
        return
    chosen = st.selectbox(
        say("step.publication"), offers, key=f"offer_{step.name}", format_func=_publication
    )
    if chosen is None:
        return
    size = say("step.size", size=_megabytes(chosen.bytes)) if chosen.bytes else say("step.no_size")
    st.caption(
        say(
            "step.source",
            publisher=plain(chosen.publisher),
            licence=plain(chosen.licence),
            size=size,
        )
    )
    st.code(chosen.url, None, wrap_lines=True)
    is_blocked = chosen.needs_communes and not guide.communes
    st.button(
        say("files.fetch"), key=f"fetch_{step.name}", on_click=_fetch, args=(chosen.id,),
        disabled=is_blocked, help=say("step.commune_first") if is_blocked else None,
    )  # fmt: skip


def _publication(publication: Any) -> str:
    return str(publication.title)


def _megabytes(size: int) -> str:
    return number_in(language(), size / 1e6, decimals=0 if size >= 1e7 else 1)


def _fetch(source: str) -> None:
    _tried(lambda here: desk.order(here, source))


def show_map_link(guide: Guide) -> None:
    """The way to the map, once it would be coloured; before, what still lacks."""
    with st.container(border=True, key="to_map"):
        if guide.is_ready:
            st.markdown(f"**{say('files.ready')}**")
            if st.button(
                say("files.see_map"), type="primary", icon=":material/map:", key="see_map"
            ):
                st.switch_page(str(PAGES / "carte.py"))
        elif guide.next_step == "results" and guide.steps["results"].elections:
            st.markdown(say("files.next.more", lacks=say(f"step.results.{guide.lacks}")))
        else:
            st.markdown(say(f"files.next.{guide.next_step or 'map'}"))
