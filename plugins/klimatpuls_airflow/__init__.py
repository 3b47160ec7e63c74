"""The only place that adapts Klimatpuls to Airflow: assets, connections, task bodies."""

PAGES = "/klimatpuls"
"""Where the plugin's pages are mounted."""
