"""The stack of ``make run`` on one machine: PostgreSQL, Airflow, a mail catcher, their supervisor.

Nothing here is used by the container images: there the same DAGs meet a database, a mail server and
Airflow services that somebody else runs. Every process started here listens on 127.0.0.1 only, keeps
its state under the home folder, and is owned by one supervisor (:mod:`klimatpuls.local.supervisor`).
"""
