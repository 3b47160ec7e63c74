"""The only place that adapts Klimatpuls to Airflow: assets, connections, task bodies."""
