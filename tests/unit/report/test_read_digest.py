"""The report queries against a real warehouse, read as the role that mails."""

from __future__ import annotations

from datetime import date

import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extras import Json

from klimatpuls.errors import MailError
from klimatpuls.report.render import Renderer, render
from klimatpuls.report.view import read_digest
from klimatpuls.warehouse.connection import connect

pytestmark = pytest.mark.postgres

GHG = "smhi_emissions-ghg-2026-05-07-0a1b2c3d"
REGIONS = (
    ("00", "Riket", "nation", None, 1),
    ("12", "Skåne län", "county", None, 2),
    ("1281", "Lund", "municipality", "12", 3),
    ("1280", "Malmö", "municipality", "12", 4),
    ("1880", "Örebro", "municipality", "18", 5),
)
MEMBERS = (("12", True, None), ("1880", True, None), ("1281", True, None), ("1280", True, date(2025, 12, 31)))
GATES = (("sector_sum", True, "hard"), ("sector_collapse", False, "advisory"))
POINTS = (
    ("nation", 1990, 100.0),
    ("nation", 2024, 70.0),
    ("members_today", 1990, 10.0),
    ("members_today", 2024, 6.0),
)


@pytest.fixture
def published(warehouse):
    """A warehouse with one small publication; gives the way in as ``wh_mailer``."""
    connection = connect(warehouse.admin_dsn)
    with connection, connection.cursor() as cursor:
        fill(cursor)
    connection.close()
    return lambda: connect(warehouse.mailer_dsn)


def fill(cursor) -> None:
    for region in REGIONS:
        cursor.execute(
            "INSERT INTO core.dim_region (region_code, region_name, level, county_code, sort_sv)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            region,
        )
    cursor.execute("INSERT INTO ops.warehouse_origin (origin) VALUES ('archive')")
    cursor.execute(
        "INSERT INTO ops.source_run (source, origin, as_of_date, state)"
        " VALUES ('smhi_emissions', 'archive', '2026-05-08', 'validated') RETURNING run_id"
    )
    (run_id,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO core.dim_release (release_id, source, dataset, substance, unit, published_date, "
        "known_from,"
        " retrieved_at, content_sha256, file_sha256, years, row_count, rejected_count, origin, state, run_id)"
        " VALUES (%s, 'smhi_emissions', 'smhi_emissions', 'ghg', 't', '2026-05-07', '2026-05-08',"
        " '2026-05-08 05:15+00', %s, %s, '{1990,2024}', 2, 0, 'archive', 'published', %s)",
        (GHG, "a" * 64, "b" * 64, run_id),
    )
    cause = {"kind": "release", "release_id": GHG, "dataset": "smhi_emissions", "substance": "ghg",
             "published_date": "2026-05-07", "is_current": True, "first": True}  # fmt: skip
    cursor.execute(
        "INSERT INTO ops.publication (state, origin, as_of_date, method_version, register_sha256, causes)"
        " VALUES ('published', 'archive', '2026-05-08', '1.0', '', %s) RETURNING publication_id",
        (Json([cause]),),
    )
    (publication_id,) = cursor.fetchone()
    cursor.execute("UPDATE mart.current_publication SET publication_id = %s", (publication_id,))
    cursor.execute(
        "INSERT INTO ops.validation (run_id, dataset, substance, release_id, snapshot_sha256, verdict)"
        " VALUES (%s, 'smhi_emissions', 'ghg', %s, '', 'publish_with_warnings') RETURNING validation_id",
        (run_id, GHG),
    )
    (validation_id,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO ops.publication_release (publication_id, release_id, is_current, validation_id)"
        " VALUES (%s, %s, true, %s)",
        (publication_id, GHG, validation_id),
    )
    for rule, passed, severity in GATES:
        cursor.execute(
            "INSERT INTO ops.validation_gate (validation_id, rule, severity, passed, message_sv, "
            "message_en, sample)"
            " VALUES (%s, %s, %s, %s, 'Fall', 'Collapse', %s)",
            (validation_id, rule, severity, passed, Json([{"sheet_row": 9, "region_name": "Kumla"}])),
        )
    fill_results(cursor, publication_id)


def fill_results(cursor, publication_id: int) -> None:
    for code, confirmed, left_on in MEMBERS:
        cursor.execute(
            "INSERT INTO register.member (region_code, left_on, confirmed, is_applicant, note_sv, note_en)"
            " VALUES (%s, %s, %s, false, '', '')",
            (code, left_on, confirmed),
        )
        cursor.execute(
            "INSERT INTO mart_data.region_overview (publication_id, region_code, is_member, last_year,"
            " territorial_tco2e, flags, release_id) VALUES (%s, %s, true, 2024, 1000, '{one_plant}', %s)",
            (publication_id, code, GHG),
        )
    for panel, year, value in POINTS:
        cursor.execute(
            "INSERT INTO mart_data.network_summary (publication_id, panel, boundary, year, region_count,"
            " emissions_tco2e, status) VALUES (%s, %s, 'territorial', %s, 2, %s, 'observed')",
            (publication_id, panel, year, value),
        )
    for target, is_own in (("lund-2030", True), ("nation-63", False)):
        cursor.execute(
            "INSERT INTO register.target (target_id, owner_region_code, is_national_line, definition, "
            "name_sv, name_en, recorded_from) VALUES (%s, %s, %s, '{}', %s, %s, '-infinity')",
            (target, "1281" if is_own else None, not is_own, f"titel på {target}", f"title of {target}"),
        )
        cursor.execute(
            "INSERT INTO mart_data.target_progress (publication_id, region_code, target_id, "
            "is_own_target, boundary,"
            " status, variants_met, variants_n, release_id, method_version, as_of_date)"
            " VALUES (%s, '1281', %s, %s, 'territorial', 'few_below', 3, 8, %s, '1.0', '2026-05-08')",
            (publication_id, target, is_own, GHG),
        )
    cursor.execute(
        "INSERT INTO ops.dataset_check (source, dataset, substance, last_checked_at, as_of_date, "
        "next_expected, status)"
        " VALUES ('smhi_emissions', 'smhi_emissions', 'ghg', now(), '2026-05-08', '2027-05-10', 'fresh')"
    )


def test_an_empty_warehouse_has_no_digest(warehouse):
    connection = connect(warehouse.mailer_dsn)
    assert read_digest(connection) is None
    connection.close()


def test_the_digest_is_read_as_the_mailer_in_one_transaction_that_it_ends(published):
    connection = published()
    digest = read_digest(connection)
    assert connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
    connection.close()
    assert (digest.origin, digest.as_of, digest.emissions.release_id) == ("archive", date(2026, 5, 8), GHG)
    assert digest.emissions.years == (1990, 2024)
    assert digest.change_since_previous_pct("members_today") == pytest.approx(-40.0)
    assert [status.published_date for status in digest.statuses] == [date(2026, 5, 7)]
    assert [(finding.rule, finding.areas) for finding in digest.findings] == [("sector_collapse", ("Kumla",))]


def test_members_come_in_swedish_order_and_without_those_who_left(published):
    connection = published()
    digest = read_digest(connection)
    connection.close()
    assert [member.region_name for member in digest.municipalities] == ["Lund", "Örebro"]
    assert [member.region_name for member in digest.regions] == ["Skåne län"]
    assert digest.municipalities[0].flags == ("one_plant",)


def test_national_lines_are_in_no_mail(published):
    connection = published()
    rendering = render(read_digest(connection))
    connection.close()
    text = " ".join(rendering.text.split())
    assert "Lund: titel på lund-2030" in text
    assert "3 av 8 sätt" in text
    assert "nation-63" not in rendering.text + rendering.mail_html


def test_the_renderer_keeps_a_digest_for_the_day_its_publication_is_not_current(
    published, warehouse, tmp_path
):
    renderer = Renderer(published, tmp_path)
    connection = published()
    current = read_digest(connection).publication_id
    connection.close()
    first = renderer(current)
    connection = connect(warehouse.admin_dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE mart.current_publication SET publication_id = 0")
    connection.close()
    assert renderer(current) == first
    with pytest.raises(MailError, match="no rendered digest"):
        renderer(current + 1)
