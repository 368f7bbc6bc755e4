"""Files: drop or fetch them, see what they would change, import, undo; five steps to the map."""

import streamlit as st

from targeting.web.files import (
    drop_key,
    show_board,
    show_map_link,
    show_steps,
    show_town,
    take_files,
)
from targeting.web.kept import workspace
from targeting.web.words import say
from targeting.workflows.guide import read_guide
from targeting.workflows.jobs.desk import jobs_now

jobs = jobs_now(workspace())  # before the steps: what has ended by now is in them
guide = read_guide(workspace())
st.markdown(say("files.intro"))
if guide.is_demo:
    show_town()
    st.stop()
st.file_uploader(
    say("files.drop"), accept_multiple_files=True, key=drop_key(), on_change=take_files,
    help=say("files.drop_help"),
)  # fmt: skip
show_board(jobs)
show_map_link(guide)
show_steps(guide)
