"""What a person is asked about a release on hold."""

from dataclasses import replace

from klimatpuls.pipeline import approval
from klimatpuls.validation.gates import Gate


def test_a_question_shows_findings_as_they_stand_and_where_more_is() -> None:
    gate = Gate(
        rule="hold_moved",
        severity="hold",
        passed=False,
        measured=100.0,
        limit=30.0,
        unit="%",
        margin=-70.0,
        finding_count=12,
        message_sv="Andel som ändrats: 100 procent",
        message_en="Share that moved: 100 percent",
        sample=tuple({"region_name": "<b>Tierp</b> [x](http://y)", "sheet_row": row} for row in range(10)),
    )
    warning = replace(gate, rule="scope_break", severity="advisory", sample=())
    question = approval._question("a-release", (warning, gate), "http://here/run-7")
    assert question.subject == "Publicera a-release? / Publish it?"
    lines = question.body.splitlines()
    assert lines[2] == (
        "- **hold\\_moved** (hold): Andel som ändrats: 100 procent / Share that moved: 100 percent"
    )
    assert lines[3] == "    - rad/row 0: \\<b\\>Tierp\\</b\\> \\[x\\]\\(http://y\\)"
    assert len([line for line in lines if line.startswith("    - ")]) == approval.SHOWN
    assert "scope\\_break" in lines[3 + approval.SHOWN], "a warning comes after what is asked about"
    assert "(http://here/run-7)" in question.body
