"""The dashboard: `streamlit run app.py`. Builds the application and nothing else."""

import streamlit as st

from targeting.web.gate import Keys
from targeting.web.server import MAIN, lifespan, middleware, routes

keys = Keys()
app = st.App(MAIN, routes=routes(), middleware=middleware(keys), lifespan=lifespan(keys))
