"""Tables to map layers, legends, cards and tables of screens; Streamlit is not known here."""
