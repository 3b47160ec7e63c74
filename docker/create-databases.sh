#!/bin/bash
# Run once by the postgres image on an empty volume: one database for Airflow's metadata, one for the
# warehouse. The warehouse's roles are made by `klimatpuls migrate`.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --set=password="$AIRFLOW_DB_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'password';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE klimatpuls;
SQL
