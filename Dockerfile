# One image for every Airflow service and for the command line: Python, the lock, the project.
# It starts from plain Python and not from Airflow's image, so that what runs here is the lock and nothing
# else; the same files resolve the environment of `make run`.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LC_ALL=C.UTF-8 \
    AIRFLOW_HOME=/opt/airflow \
    KLIMATPULS_HOME=/opt/klimatpuls/var \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/klimatpuls/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/klimatpuls/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

WORKDIR /opt/klimatpuls

# The lock alone first: a change of our code does not install 200 packages again.
COPY requirements.txt requirements-uv.txt ./
RUN pip install --require-hashes --requirement requirements-uv.txt \
    && pip install --require-hashes --requirement requirements.txt

COPY pyproject.toml requirements.in README.md ./
COPY include ./include
COPY dags ./dags
COPY plugins ./plugins
# Installed in place: SQL files and registers lie beside the package and are found from it. The build tool is
# the one of requirements-uv.txt, so nothing is fetched without a hash.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q -j 0 "$(python -c 'import site; print(site.getsitepackages()[0])')" include \
    && useradd --system --uid 50000 --gid 0 --home-dir /opt/airflow klimatpuls \
    && mkdir -p /opt/airflow/logs /opt/klimatpuls/var \
    && chown -R 50000:0 /opt/airflow /opt/klimatpuls/var

USER 50000:0
CMD ["klimatpuls", "--help"]
