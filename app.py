"""The dashboard: `streamlit run app.py`. Builds the application and nothing else."""

import streamlit as st

from targeting.web.server import MAIN, parts

app = st.App(MAIN, **parts())
