from __future__ import annotations

import struct

from klimatpuls.report.chart import alt_text, draw_chart
from klimatpuls.report.view import build_digest


def test_the_alt_text_states_the_finding_with_numbers(digest):
    assert alt_text(digest, "sv").replace("\u00a0", " ") == (
        "Diagram: ändring från 1990 till 2024. Nätverket −33,4 % (utan den största utsläpparen −46,7 %), "
        "hela landet −33,1 %, övriga Sverige −33,4 %."
    )
    assert (
        "The network −33.4% (without the largest emitter −46.7%), the nation −33.1%, the rest of Sweden "
        "−33.4%." in alt_text(digest, "en")
    )


def test_the_alt_text_without_members_tells_of_the_nation(rows):
    rows["network_summary"] = [row for row in rows["network_summary"] if row["panel"] == "nation"]
    assert "för nätverket finns ingen siffra" in alt_text(build_digest(rows), "sv").lower()


def test_equal_figures_give_equal_bytes_and_other_figures_others(rows, digest):
    first = draw_chart(digest)
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", first[16:20])[0] == 1100
    assert first == draw_chart(digest)
    rows["network_summary"][0]["change_since_1990_pct"] = -3.0
    assert first != draw_chart(build_digest(rows))


def test_figures_made_up_carry_it_across_the_picture(rows, digest):
    rows["publication"][0]["origin"] = "synthetic"
    assert draw_chart(build_digest(rows)) != draw_chart(digest)


def test_no_member_at_all_still_draws(rows):
    rows["network_summary"] = [row for row in rows["network_summary"] if row["panel"] == "nation"]
    assert draw_chart(build_digest(rows)).startswith(b"\x89PNG")
