"""Registers the project with Airflow's plugin manager; the adapters themselves are ``klimatpuls_airflow``."""

from airflow.plugins_manager import AirflowPlugin


class KlimatpulsPlugin(AirflowPlugin):
    """Makes the project visible under Admin → Plugins."""

    name = "klimatpuls"
