"""The digest of a publication: rendered, approved where a person was asked for, mailed once."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import AssetAny, dag, task

from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Report",
    description="Outbox → HTML, text, mail",
    doc_md=(
        "Renders the digest of the current publication and sends what the outbox holds. A digest that "
        "needs a person's word waits in `approve_digest`; no answer within three days means that it is not "
        "sent.\n\nOwner: the network's data engineers."
    ),
    schedule=AssetAny(assets.PUBLICATION, assets.MAIL_DUE),
    default_args={"owner": "data engineers"},
    catchup=False,
    # A digest that waits for a person's word must not hold up the next one; the outbox sends nothing twice.
    max_active_runs=16,
    tags=[Layer.REPORT],
)
def report() -> None:
    """Render, ask if need be, send."""
    rendered = task(tasks.render_report)()
    asked = task(tasks.ask_for_approval)()
    approve_digest = HITLOperator(
        task_id="approve_digest",
        subject="Send the digest of publication {{ ti.xcom_pull(task_ids='render_report') }} to the list?",
        body="The rendered page lies in the folder `reports` of the home. No answer means no mail.",
        response_timeout=timedelta(days=3),
        options=[tasks.APPROVE, tasks.REJECT],
        defaults=tasks.REJECT,
    )
    noted = task(tasks.note_approval)(approve_digest.output, asked)
    # Nobody was asked: mail goes out. Rendering or the question failed: nothing does, and the digest waits.
    sent = task(tasks.send_mail, trigger_rule="none_failed")()
    rendered >> asked >> approve_digest >> noted >> sent
    rendered >> sent


report()
