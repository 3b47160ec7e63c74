"""Renders the digest of a publication, asks for an approval if one is required, and mails it once."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import AssetAny, dag

from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Report",
    description="Outbox → HTML, text, mail; marts → site",
    doc_md=(
        "Renders the digest of the current publication and sends the due mails of the outbox. A digest that "
        "needs an approval waits in `approve_digest`; without an answer within three days it is not sent."
        " Beside it, the static site is built; a page that fails keeps its last file and stops no mail."
        "\n\nOwner: the network's data engineers."
    ),
    schedule=AssetAny(assets.PUBLICATION, assets.MAIL_DUE),
    default_args=operators.task_defaults("data engineers"),
    catchup=False,
    # A digest that waits for approval must not delay the next one; the outbox sends nothing twice.
    max_active_runs=16,
    tags=[Layer.REPORT],
)
def report() -> None:
    """Render, ask for approval if required, send; build the site beside."""
    operators.python_task(tasks.build_site, execution_timeout=operators.PUBLICATION)()
    rendered = operators.python_task(tasks.render_report)()
    pending = operators.python_task(tasks.pending_approvals)()
    approve_digest = operators.approval(
        "approve_digest",
        "Send the digest of publication {{ ti.xcom_pull(task_ids='render_report') }}, and waiting reminders?",
        "The rendered digest is in the folder `reports` of the state directory; `ops.mail_outbox` holds the "
        "text of reminders. No answer means no mail.",
        options=[tasks.APPROVE, tasks.REJECT],
        default=tasks.REJECT,
        wait=timedelta(days=3),
    )
    noted = operators.python_task(tasks.note_approval)(approve_digest.output, pending)
    # Without a required approval, mail is sent. If rendering or the approval task failed, the digest waits.
    sent = operators.python_task(
        tasks.send_mail, trigger_rule="none_failed", execution_timeout=operators.PUBLICATION
    )()
    rendered >> pending >> approve_digest >> noted >> sent
    rendered >> sent


report()
