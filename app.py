"""The dashboard: `streamlit run app.py`. Builds the application and nothing else."""

import streamlit as st

from targeting.web.server import MAIN, middleware, routes

app = st.App(MAIN, routes=routes(), middleware=middleware())
