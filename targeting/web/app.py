"""The dashboard of an installed package, where no `app.py` lies beside: the same application."""

import streamlit as st

from targeting.web.server import MAIN, parts

app = st.App(MAIN, **parts())
