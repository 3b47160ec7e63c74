"""The only place that adapts Klimatpuls to Airflow: assets, connections, task bodies."""

PAGES = "/klimatpuls"
"""Path of the plugin's pages."""
