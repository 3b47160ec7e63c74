"""The network's own files carried into the warehouse: each whole or not at all, and nothing overwritten."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import sync_registers as sync_module
from klimatpuls.pipeline.sync_registers import refuse_mistakes, sync_registers
from klimatpuls.registers import RegisterError, read_registers
from klimatpuls.registers.checking import REGISTERS, Checked, check_folder
from klimatpuls.registers.targets import from_definition
from klimatpuls.warehouse import migrate
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.local.postgres import Cluster

pytestmark = pytest.mark.postgres

TIERP = "0360"
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}
OWN_TARGET = """\
targets:
  - target_id: tierp_2030
    region_code: "0360"
    title_sv: Prov
    title_en: Trial
    boundary: territorial
    target_type: percent_below_base
    base_year: 1990
    target_year: 2030
    percent_below_base: 63
    decided_on: 2024-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut
    valid_from: 2024-06-17
"""
DEFECT = (
    "d1,smhi_emissions,co2,2024-04-18,0360,waste,2021,1000,,Fel enligt utgivaren,"
    '"Wrong, says the publisher",utgivaren,2026-11-27,2027-12-31\n'
)


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    with closing(connect(warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the registers that a test may change."""
    return shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")


def ask(conn: PgConnection, query: str, values: object = None) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def whole(conn: PgConnection) -> list[tuple[Any, ...]]:
    """Every row of every register as text, closed ones and clocks among them."""
    tables = ask(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'register' ORDER BY tablename")
    return [
        row
        for (table,) in tables
        for row in ask(conn, f"SELECT t::text FROM register.{table} AS t ORDER BY 1")
    ]


def in_force(conn: PgConnection, table: str) -> int:
    return int(ask(conn, f"SELECT count(*) FROM register.{table} WHERE recorded_to IS NULL")[0][0])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def add(path: Path, *rows: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"{row}\n" for row in rows))


def test_the_first_time_everything_is_carried_over(conn: PgConnection) -> None:
    assert sync_registers(conn) == tuple(REGISTERS)
    read = read_registers()
    assert in_force(conn, "member") == len(read.members)
    confirmed = int(read.members["confirmed"].sum())
    assert ask(conn, "SELECT count(*) FROM register.member WHERE confirmed") == [(confirmed,)]
    definitions = ask(conn, "SELECT definition FROM register.target ORDER BY target_id")
    assert tuple(from_definition(definition) for (definition,) in definitions) == read.targets


def test_a_register_that_an_upgrade_adds_is_no_news_while_it_is_empty(
    conn: PgConnection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before_the_upgrade(*arguments: Any) -> Checked:
        known = dict(check_folder(*arguments).records)
        del known["official_figures"]
        return Checked(records=known, mistakes=())

    with monkeypatch.context() as patch:
        patch.setattr(sync_module, "check_folder", before_the_upgrade)
        sync_registers(conn, folder)
    assert sync_registers(conn, folder) == ()
    row = "2024,2024,effort_sharing,3e7,2025-12-16,NV,https://example.org/x"
    add(folder / "official_figures.csv", row)
    assert sync_registers(conn, folder) == ("official_figures",)
    edit(folder / "official_figures.csv", f"{row}\n", "")
    assert sync_registers(conn, folder) == ("official_figures",), "taken out again is news"


def test_a_second_time_changes_nothing(conn: PgConnection) -> None:
    sync_registers(conn)
    before = whole(conn)
    assert sync_registers(conn) == ()
    assert whole(conn) == before


def test_the_order_of_the_lines_is_no_change(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    members = folder / "members.csv"
    head, *lines = members.read_text(encoding="utf-8").splitlines()
    members.write_text("\n".join([head, *reversed(lines)]) + "\n", encoding="utf-8")
    assert sync_registers(conn, folder) == ()


def test_a_changed_row_is_closed_and_a_new_one_added(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    targets = ask(conn, "SELECT recorded_from FROM register.version WHERE register = 'targets'")
    edit(folder / "members.csv", "0180,Stockholm,,,true", "0180,Stockholm,2009-03-02,2031-01-01,true")
    assert sync_registers(conn, folder) == ("members",)
    row = "SELECT joined_on, left_on, confirmed, is_applicant FROM mart.member WHERE region_code = '0180'"
    assert ask(conn, row) == [(date(2009, 3, 2), date(2031, 1, 1), True, False)]
    assert ask(conn, "SELECT recorded_from FROM register.version WHERE register = 'targets'") == targets
    kept = ask(
        conn,
        "SELECT joined_on, recorded_to IS NULL, recorded_to = max(recorded_from) OVER ()"
        " FROM register.member WHERE region_code = '0180' ORDER BY recorded_from",
    )
    assert kept == [(None, False, True), (date(2009, 3, 2), True, None)]
    others = "SELECT count(*) FROM register.member WHERE recorded_to IS NOT NULL AND region_code <> '0180'"
    assert ask(conn, others) == [(0,)]


def test_a_member_taken_off_the_list_is_closed_and_comes_back(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    members = folder / "members.csv"
    text = members.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    members.write_text("".join(line for line in lines if not line.startswith("0180,")), encoding="utf-8")
    assert sync_registers(conn, folder) == ("members",)
    assert in_force(conn, "member") == len(lines) - 2
    assert ask(conn, "SELECT recorded_to IS NOT NULL FROM register.member WHERE region_code = '0180'") == [
        (True,)
    ]
    members.write_text(text, encoding="utf-8")
    assert sync_registers(conn, folder) == ("members",)
    assert ask(conn, "SELECT count(*) FROM register.member WHERE region_code = '0180'") == [(2,)]


def test_what_was_known_at_a_moment_can_be_asked_for(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    (_, first) = ask(conn, load_sql("read/register_sha256.sql"))[0]
    edit(folder / "members.csv", "0187,Vaxholm,,,true", "0187,Vaxholm,,,false")
    sync_registers(conn, folder)
    (_, second) = ask(conn, load_sql("read/register_sha256.sql"))[0]
    assert second > first
    query = load_sql("read/members.sql")
    for moment, confirmed in ((first, True), (second, False), (None, False)):
        rows = {row[0]: row for row in ask(conn, query, {"registers_at": moment})}
        assert rows["0187"][3] is confirmed
        assert len(rows) == in_force(conn, "member")


def test_an_own_target_has_its_owner_and_a_line_has_none(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    (folder / "targets.yaml").write_text(OWN_TARGET, encoding="utf-8")
    assert sync_registers(conn, folder) == ("targets",)
    own = ask(
        conn,
        "SELECT target_id, region_code, title_sv, title_en, percent_below_base, target_year, state,"
        " decided_on, valid_from, valid_to FROM mart.target WHERE NOT is_national_line",
    )
    day = date(2024, 6, 17)
    assert own == [("tierp_2030", TIERP, "Prov", "Trial", 63.0, 2030, "decided", day, day, None)]
    lines = ask(conn, "SELECT count(*), count(region_code) FROM mart.target WHERE is_national_line")
    assert lines == [(7, 0)]
    (folder / "targets.yaml").write_text("targets: []\n", encoding="utf-8")
    assert sync_registers(conn, folder) == ("targets",)
    assert ask(conn, "SELECT count(*) FROM mart.target") == [(7,)], "the lines are another register"


def test_a_known_defect_comes_and_goes_again(conn: PgConnection, folder: Path) -> None:
    sync_registers(conn, folder)
    defects = folder / "known_defects.csv"
    head = defects.read_text(encoding="utf-8")
    defects.write_text(head + DEFECT, encoding="utf-8")
    assert sync_registers(conn, folder) == ("known_defects",)
    row = (
        "SELECT region_code, sector_code, years, substance, reason_en FROM mart.known_defect"
        " WHERE defect_id = 'd1'"
    )
    assert ask(conn, row) == [(TIERP, "waste", [2021], "co2", "Wrong, says the publisher")]
    defects.write_text(head, encoding="utf-8")
    assert sync_registers(conn, folder) == ("known_defects",)
    assert ask(conn, row) == []


def test_every_register_reaches_its_mart(conn: PgConnection, folder: Path) -> None:
    add(
        folder / "measures.csv",
        "tierp-buss,0360,territorial,transport,Elbussar,Electric buses,pågående,2025-01-01,2029-12-31,"
        '"2026:120,5|2030:400",Upphandlaren,schablon,1250000,KK-1,trafikstrateg,https://example.org/b,2026-02-03',
        "tierp-varme,0360,territorial,own_heating,Pannor,Boilers,planned,,,,,,,,fastighetschef,,2026-02-03",
    )
    add(folder / "pledges.csv", "tierp-l1,0360,Länsstyrelsen,Fossilfri,2024-03-01,2030-12-31,tierp-buss")
    add(
        folder / "climate_plans.csv",
        "tierp-1,0360,plan,Klimatplan,,2020,2020-01-01,2024-12-31,2025-12-31,,,beslut,",
    )
    add(folder / "reporting_rounds.csv", "2026,2026-02-01,2026-03-31")
    add(folder / "answers.csv", "1281,2026,2026-03-01", "1281,2026,2026-03-20", "1280,,2026-06-01")
    add(folder / "own_series.csv", "egna,0360,Egen,Own,2024,1100,tCO2e,bokslut,bränslen")
    add(folder / "sector_lists.csv", "avfall,Avfall,Waste,waste")
    add(folder / "municipality_groups.csv", "1280,A1,Storstäder,Large cities,2023-01-01,,SKR 2023")
    add(
        folder / "official_figures.csv",
        "2024,2024,effort_sharing,30000000,2025-12-16,Naturvårdsverket,https://example.org/utfall",
    )
    add(folder / "ets_plants.csv", "101,Bruket,0360,industri,,,2026-02-03,tillstånd")
    add(folder / "ets_statements.csv", "0360,2026-02-03,miljöchef,länsstyrelsens förteckning")
    add(folder / "trading_references.csv", "0360,2022,i utsläppshandeln,900,ton,Miljöbarometern")
    add(folder / "evidence.csv", "e1,0360,action_plan,self_confirmed,2025-02-01,klimatstrateg,,")
    add(folder / "enquiries.csv", "0360,targets,2025-01-10,,,")
    sync_registers(conn, folder)
    for query, rows in {
        "SELECT measure_id, status, effects, cost_sek, evidence_links FROM mart.measure ORDER BY 1": [
            ("tierp-buss", "ongoing", {"2026": 120.5, "2030": 400}, 1250000.0, ["https://example.org/b"]),
            ("tierp-varme", "planned", None, None, []),
        ],
        "SELECT measure_id, year, expected_reduction_tco2e FROM mart.measure_effect ORDER BY year": [
            ("tierp-buss", 2026, 120.5),
            ("tierp-buss", 2030, 400.0),
        ],
        "SELECT pledge_id, region_name, measure_ids FROM mart.pledge": [
            ("tierp-l1", "Tierp", ["tierp-buss"])
        ],
        "SELECT kind, decided_on, decided_year, stated_end FROM mart.climate_plan": [
            ("plan", None, 2020, date(2025, 12, 31))
        ],
        "SELECT round_id, answer_count FROM mart.reporting_round": [("2026", 1)],
        "SELECT region_code FROM mart.reporting_answer WHERE round_id IS NULL": [("1280",)],
        "SELECT round_id, region_code, answered_on FROM mart.reporting_answer ORDER BY 3 LIMIT 2": [
            ("2026", "1281", date(2026, 3, 1)),
            ("2026", "1281", date(2026, 3, 20)),
        ],
        "SELECT series_id, year, value, unit FROM mart.own_series": [("egna", 2024, 1100.0, "tCO2e")],
        "SELECT list_id, sector_codes FROM mart.sector_list": [("avfall", ["waste"])],
        "SELECT region_code, group_code FROM mart.municipality_group": [("1280", "A1")],
        "SELECT year, emissions_tco2e, published_on, source FROM mart.official_figure": [
            (2024, 30e6, date(2025, 12, 16), "Naturvårdsverket")
        ],
        "SELECT installation_id, sector_code, valid_from FROM register.ets_plant": [
            ("101", "industry", None)
        ],
        "SELECT region_name, stated_on, stated_by FROM mart.ets_statement": [
            ("Tierp", date(2026, 2, 3), "miljöchef")
        ],
        "SELECT part, value, unit FROM register.trading_reference": [("trading", 900.0, "tCO2e")],
        "SELECT value, unit FROM mart.criteria_rule WHERE rule_id = 'reply_days'": [(30.0, "days")],
        "SELECT evidence_id, criterion FROM register.evidence": [("e1", "action_plan")],
        "SELECT region_code, asked_on, replied_on FROM register.enquiry": [(TIERP, date(2025, 1, 10), None)],
    }.items():
        assert ask(conn, query) == rows, query


LOADS = (
    "members", "targets", "known_defects", "measures", "pledges", "climate_plans", "evidence", "enquiries",
    "reporting_rounds", "answers", "own_series", "sector_lists", "criteria_rules", "municipality_groups",
    "official_figures",
    "ets_plants", "ets_statements", "trading_references",
)  # fmt: skip


@pytest.mark.parametrize("name", LOADS)
def test_the_publication_can_read_every_register(conn: PgConnection, name: str) -> None:
    sync_registers(conn)
    (_, moment) = ask(conn, load_sql("read/register_sha256.sql"))[0]
    query = load_sql(f"read/{name}.sql")
    assert ask(conn, query, {"registers_at": moment}) == ask(conn, query, {"registers_at": None})


def test_the_year_of_a_decision_stands_for_its_day_and_a_missing_plan_for_none(
    conn: PgConnection, folder: Path
) -> None:
    add(
        folder / "climate_plans.csv",
        "plan-a,0360,plan,Klimatplan,,2020,,,,,,beslut,",
        "plan-b,1281,pre_plan,Utkast,,,,,,,,remiss,",
        "plan-c,1280,missing,,,,,,,,,eftersökt,",
    )
    sync_registers(conn, folder)
    rows = ask(conn, load_sql("read/climate_plans.sql"), {"registers_at": None})
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("plan-a", "plan", date(2020, 12, 31)),
        ("plan-b", "pre_plan", None),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("members.csv", "0180,Stockholm", "0180,Göteborg"),
        ("members.csv", "0180,Stockholm,,,true", "0180,Stockholm,2022-06,,true"),
        ("targets.yaml", "targets: []", "targets: [{target_id: x}]"),
        ("rules.yaml", "deduction_tco2e: 25000000", "deduction_tco2e: 24000000"),
    ],
    ids=["another name", "a month for a day", "half a target", "a number nobody uses"],
)
def test_a_file_with_a_mistake_changes_nothing_and_harms_no_other(
    conn: PgConnection, folder: Path, file: str, old: str, new: str
) -> None:
    sync_registers(conn, folder)
    before = whole(conn)
    edit(folder / file, old, new)
    assert sync_registers(conn, folder) == ()
    assert whole(conn) == before
    with pytest.raises(RegisterError, match=file):
        refuse_mistakes(folder)
    add(folder / "sector_lists.csv", "avfall,Avfall,Waste,waste")
    assert sync_registers(conn, folder) == ("sector_lists",)
    assert in_force(conn, "sector_list") == 1
    assert in_force(conn, "member") == len(read_registers().members)


def test_days_ahead_are_mistakes_where_the_day_is_known(conn: PgConnection, folder: Path) -> None:
    edit(folder / "targets.yaml", "targets: []", OWN_TARGET.removesuffix("\n"))
    assert "targets" not in sync_registers(conn, folder, date(2024, 6, 16))
    assert sync_registers(conn, folder, date(2024, 6, 17)) == ("targets",)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM register.member",
        "TRUNCATE register.target",
        "UPDATE register.member SET confirmed = true",
        "UPDATE register.version SET sha256 = ''",
        "UPDATE register.measure SET recorded_from = now()",
    ],
)
def test_the_loader_can_overwrite_nothing(conn: PgConnection, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(conn, statement)


def test_a_closed_row_stays_closed(conn: PgConnection, folder: Path, warehouse: Warehouse) -> None:
    sync_registers(conn, folder)
    edit(folder / "members.csv", "0187,Vaxholm,,,true", "0187,Vaxholm,,,false")
    sync_registers(conn, folder)
    with closing(connect(warehouse.admin_dsn)) as admin, pytest.raises(psycopg2.errors.RaiseException):
        ask(admin, "UPDATE register.member SET recorded_to = NULL WHERE recorded_to IS NOT NULL RETURNING 1")


def test_two_writers_at_once_are_one_after_the_other(warehouse: Warehouse, folder: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def write(_: int) -> tuple[str, ...]:
        with closing(connect(warehouse.loader_dsn)) as own:
            return sync_registers(own, folder)

    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(write, range(4)), key=len)
    assert done == [(), (), (), tuple(REGISTERS)]


def test_registers_of_an_older_warehouse_are_kept_and_closed_when_the_files_say_more(
    cluster: Cluster,
) -> None:
    """From a warehouse before the history: what it held stays readable, and the next sync goes on from it."""
    cluster.ensure_database("older_registers")
    admin = cluster.dsn("older_registers")
    migrate.migrate_tables(admin, PASSWORDS, "0007_releases")
    with closing(connect(admin)) as conn:
        ask(
            conn,
            "INSERT INTO core.dim_region VALUES ('0360', 'Tierp', 'municipality', '03', 9999) RETURNING 1",
        )
        ask(
            conn,
            "INSERT INTO register.member VALUES ('0360', NULL, NULL, false, true, 'sökande', 'applicant')"
            " RETURNING 1",
        )
        ask(conn, "INSERT INTO register.version VALUES ('members', 'abc', 1) RETURNING 1")
    migrate.migrate(admin, PASSWORDS)
    with closing(connect(cluster.dsn("older_registers", "wh_loader", PASSWORDS["wh_loader"]))) as conn:
        member = (
            "SELECT note_en, recorded_to IS NULL FROM register.member WHERE region_code = '0360' ORDER BY 2"
        )
        assert ask(conn, member) == [("applicant", True)]
        sound = check_folder(REGISTERS_FOLDER).records
        assert sync_registers(conn) == tuple(name for name in REGISTERS if sound[name])
        assert ask(conn, member) == [
            ("applicant", False),
            ("Example of an applicant; not yet a member", True),
        ]
        versions = (
            "SELECT sha256 = 'abc', recorded_to IS NULL FROM register.version WHERE register = 'members'"
        )
        assert sorted(ask(conn, versions)) == [(False, True), (True, False)]
        assert sync_registers(conn) == ()
