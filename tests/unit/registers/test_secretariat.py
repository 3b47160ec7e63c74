"""A secretariat's year with its workbook: whole commands, and a script in place of the person in Excel."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from klimatpuls.registers.checking import check_folder

KLIMATPULS = Path(sys.executable).with_name("klimatpuls")
Run = Callable[..., subprocess.CompletedProcess[str]]
NBSP = "\u00a0"
WRONG = "FFFFC7CE"


class Person:
    """Somebody who fills in a workbook; a cell gets the format that a program would give it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = openpyxl.load_workbook(path)

    def at(self, sheet: str, header: str, row: int) -> Any:
        """The cell of a column in a row."""
        places = {cell.value: cell.column for cell in self.book[sheet][1]}
        return self.book[sheet].cell(row, places[header])

    def row(self, sheet: str, header: str, value: str) -> int:
        """The row that holds a value in a column."""
        rows = range(2, self.book[sheet].max_row + 1)
        return next(row for row in rows if self.at(sheet, header, row).value == value)

    def write(self, sheet: str, row: int, **cells: Any) -> int:
        """Fill in cells of a row by their headers; a pair is a value with its number format."""
        for header, given in cells.items():
            cell = self.at(sheet, header, row)
            cell.value, form = given if isinstance(given, tuple) else (given, None)
            cell.number_format = form or ("yyyy-mm-dd" if isinstance(cell.value, dt.date) else "General")
        return row

    def add(self, sheet: str, **cells: Any) -> int:
        """Fill in the first empty row."""
        return self.write(sheet, self.book[sheet].max_row + 1, **cells)

    def save(self) -> None:
        self.book.save(self.path)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def changed_lines(before: bytes, after: bytes) -> tuple[set[str], set[str]]:
    """Lines that went and lines that came."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    return set(old) - set(new), set(new) - set(old)


def test_a_year_of_the_secretariat(run: Run, sound: Path, tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    contacts.write_text(
        "region_code,kind,role,address\n"
        "0360,elected,Ordförande,kommunstyrelsen@example.org\n"
        "1281,official,Klimatstrateg,klimat@example.org\n",
        encoding="utf-8",
    )
    targets = sound / "targets.yaml"
    text = targets.read_text(encoding="utf-8").replace(
        "  - target_id: tierp_budget",
        "  # The council decided it together with the plan.\n  - target_id: tierp_budget",
    )
    targets.write_text(text, encoding="utf-8")
    settings = {"KLIMATPULS_REGISTERS": str(sound), "KLIMATPULS_CONTACTS": str(contacts)}
    january = tmp_path / "Klimatpuls register.xlsx"
    assert run("export", str(january), **settings).returncode == 0
    assert run("export", str(january), **settings).returncode == 1, "a workbook is not overwritten"

    # January: a new member, a round, a sharper target, a measure, a pledge.
    person = Person(january)
    person.add(
        "Medlemmar", Namn="Knivsta", Inträdesdag=dt.date(2026, 1, 15), Bekräftad="Ja", Sökande="Nej",
        Observatör=False, Anmärkning="Invald i januari", **{"Anmärkning på engelska": "Admitted in January"},
    )  # fmt: skip
    person.write("Mål", person.row("Mål", "Mål-id", "tierp_2030"), **{"Procent under basåret": (0.7, "0%")})
    person.add("Svar i omgångar", Medlem=f"Tierp{NBSP}", Omgång=2026, **{"Svarade den": dt.date(2026, 2, 20)})
    person.add(
        "Åtgärder", Medlem="lund", Avgränsning="Territoriella utsläpp", Sektor="Transporter",
        Åtgärd="Cykelvägar",
        Status="Pågående", Underlag="https://example.org/a|https://example.org/b",
        **{
            "Åtgärds-id": "lund-cykel", "Åtgärd på engelska": "Cycle lanes",
            "Effekt per år i ton": "2030: 1 200",
            "Beräknad av": "Trivector", "Beräkningssätt": "modell",
            "Kostnad i kronor": f"1{NBSP}250{NBSP}000",
            "Ansvarig roll": "trafikplanerare", "Senast ändrad": "2026-01-20",
        },
    )  # fmt: skip
    person.add(
        "Klimatlöften", Kommunkod=360, Lydelse="Fossilfri 2030", Åtgärder="tierp-buss",
        **{"Löftes-id": "tierp-l2", "Lovat till": "Länsstyrelsen", "Lovat den": dt.date(2026, 1, 10)},
    )  # fmt: skip
    person.save()
    before = content(sound)
    shown = run("import", str(january), **settings)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [
        "Medlemmar:",
        "  rad 27, Knivsta: ny rad: namn Knivsta; inträdesdag 2026-01-15; bekräftad ja; sökande nej; "
        "observatör nej; anmärkning Invald i januari; anmärkning på engelska Admitted in January",
        "Mål:",
        "  rad 3, Tierp, tierp_2030: procent under basåret 63 % → 70 %",
        "Åtgärder:",
        "  rad 5, Lund, lund-cykel: ny rad: avgränsning territoriella utsläpp; sektor Transporter; åtgärd "
        "Cykelvägar; åtgärd på engelska Cycle lanes; status pågående; effekt per år i ton 2030:1200; "
        "beräknad av Trivector; beräkningssätt modell; kostnad i kronor 1250000; ansvarig roll "
        "trafikplanerare; underlag https://example.org/a|https://example.org/b; senast ändrad 2026-01-20",
        "Klimatlöften:",
        "  rad 3, Tierp, tierp-l2: ny rad: lovat till Länsstyrelsen; lydelse Fossilfri 2030; lovat den "
        "2026-01-10; åtgärder tierp-buss",
        "Svar i omgångar:",
        "  rad 5, Tierp, 2026-02-20: ny rad: omgång 2026",
        "Klimatpuls register.xlsx [Klimatlöften], cell C3: 360 läses som 0360 (Tierp), som tappat sin "
        "inledande nolla.",
        "4 nya rader, 1 ändrade, 0 borttagna.",
        "Inget är skrivet än. Läs in igen med --apply för att skriva ändringarna.",
    ]
    assert content(sound) == before
    applied = run("import", str(january), "--apply", **settings)
    assert applied.stdout.splitlines()[-1] == (
        "Skrivet: members.csv, targets.yaml, measures.csv, pledges.csv, answers.csv."
    )
    after = content(sound)
    assert {name for name in after if after[name] != before[name]} == {
        "members.csv", "targets.yaml", "measures.csv", "pledges.csv", "answers.csv"
    }  # fmt: skip
    gone, came = changed_lines(before["members.csv"], after["members.csv"])
    assert not gone
    assert came == {"0330,Knivsta,2026-01-15,,true,false,false,Invald i januari,Admitted in January"}
    gone, came = changed_lines(before["targets.yaml"], after["targets.yaml"])
    assert {line.strip() for line in came if "percent" in line} >= {"percent_below_base: 70"}
    assert b"# The council decided it together with the plan." in after["targets.yaml"]
    assert check_folder(sound).mistakes == ()
    assert run("import", str(january), **settings).stdout.splitlines()[-1] == "Inget ändrat."

    # Spring: a workbook lies open while a colleague changes other rows of the same register.
    spring = tmp_path / "vår.xlsx"
    run("export", str(spring), "--with-contacts", **settings)
    measures = sound / "measures.csv"
    measures.write_text(
        measures.read_text(encoding="utf-8").replace("renhållningschef", "avfallschef"), encoding="utf-8"
    )
    person = Person(spring)
    person.write("Åtgärder", person.row("Åtgärder", "Åtgärds-id", "tierp-buss"), Status="klar")
    person.save()
    merged = run("import", str(spring), "--apply", **settings)
    assert merged.stdout.splitlines()[:3] == [
        "Åtgärder:",
        "  rad 2, Tierp, tierp-buss: status pågående → klar",
        "Åtgärder: registret har ändrats sedan exporten (rader: 1); de ändringarna behålls.",
    ]
    written = measures.read_text(encoding="utf-8")
    assert "avfallschef" in written
    assert "Electric buses,done" in written

    # Then of the same row: nothing is applied, and the person is told which row.
    person.write("Åtgärder", person.row("Åtgärder", "Åtgärds-id", "lund-avfall"), Status="pågår")
    person.save()
    before = content(sound)
    refused = run("import", str(spring), "--apply", **settings)
    assert refused.returncode == 1
    assert "Lund, lund-avfall: raden är ändrad här, och sedan exporten även i registret" in refused.stderr
    assert content(sound) == before
    marked = openpyxl.load_workbook(tmp_path / "vår – fel.xlsx")
    assert "Exportera på nytt" in marked["Åtgärder"]["A4"].comment.text

    # Autumn: a member leaves, a pledge and a contact are taken out.
    autumn = tmp_path / "höst.xlsx"
    done = run("export", str(autumn), "--with-contacts", **settings)
    assert "warning: " in done.stdout
    assert autumn.stat().st_mode & 0o077 == 0
    person = Person(autumn)
    person.write("Medlemmar", person.row("Medlemmar", "Namn", "Malmö"), Utträdesdag="2026-10-01")
    person.book["Klimatlöften"].delete_rows(person.row("Klimatlöften", "Löftes-id", "tierp-l1"))
    person.book["Kontakter"].delete_rows(person.row("Kontakter", "Medlem", "Lund"))
    person.write("Kontakter", person.row("Kontakter", "Medlem", "Tierp"), Roll="Vice ordförande")
    person.save()
    done = run("import", str(autumn), "--apply", **settings)
    assert done.stdout.splitlines() == [
        "Medlemmar:",
        "  rad 12, Malmö: utträdesdag (tomt) → 2026-10-01",
        "Klimatlöften:",
        "  Tierp, tierp-l1: raden tas bort",
        "Kontakter:",
        "  rad 2, Tierp, förtroendevald: roll är ny",
        "  Lund, tjänsteperson: raden tas bort",
        "0 nya rader, 2 ändrade, 2 borttagna.",
        "Skrivet: members.csv, pledges.csv, contacts.csv.",
    ]
    assert contacts.read_text(encoding="utf-8").splitlines() == [
        "region_code,kind,role,address",
        "0360,elected,Vice ordförande,kommunstyrelsen@example.org",
    ]

    # December: what is exported comes back without a change, and no byte is written.
    before = content(sound)
    december = tmp_path / "december.xlsx"
    run("export", str(december), **settings)
    assert run("import", str(december), "--apply", **settings).stdout == "Inget ändrat.\n"
    assert content(sound) == before
    assert run("check", **settings).returncode == 0


TARGET = {
    "Mål-id": "lund_2040", "Medlem": "Lund", "Avgränsning": "territoriella utsläpp",
    "Måltyp": "minskning i procent", "Målår": 2040, "Basår": 1990, "Procent under basåret": "80 %",
    "Benämning": "Mål", "Benämning på engelska": "Target", "Beslutsdag": dt.date(2024, 6, 17),
    "Beslutat av": "Kommunfullmäktige", "Länk till beslutet": "https://example.org/beslut",
}  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    "Medlemmar": {
        "Namn": "Knivsta", "Bekräftad": "ja", "Sökande": "nej", "Observatör": "nej", "Anmärkning": "Ny",
        "Anmärkning på engelska": "New",
    },
    "Mål": TARGET,
    "Klimatplaner": {
        "Plan-id": "ystad-1", "Medlem": "Ystad", "Slag": "plan", "Namn": "Klimatplan",
        "Beslutsdag": dt.date(2021, 5, 4), "Källa": "beslut",
    },
    "Åtgärder": {
        "Åtgärds-id": "lund-ny", "Medlem": "Lund", "Avgränsning": "territoriella utsläpp",
        "Sektor": "Transporter", "Åtgärd": "Cykelvägar", "Åtgärd på engelska": "Cycle lanes",
        "Status": "planerad", "Ansvarig roll": "trafikplanerare", "Senast ändrad": dt.date(2026, 2, 3),
    },
    "Klimatlöften": {
        "Löftes-id": "lund-l1", "Medlem": "Lund", "Lovat till": "Länet", "Lydelse": "Fossilfritt",
        "Lovat den": dt.date(2024, 3, 1),
    },
    "Underlag för kriterier": {
        "Underlags-id": "lund-e1", "Medlem": "Lund", "Kriterium": "mål", "Slag": "dokument",
        "Dag": dt.date(2025, 2, 1), "Vem (roll)": "klimatstrateg", "Länk": "https://example.org/e",
    },
    "Rapporteringsomgångar": {
        "Omgång": "2024", "Öppnar": dt.date(2024, 2, 1), "Stänger": dt.date(2024, 3, 31),
    },
    "Svar i omgångar": {"Medlem": "Lund", "Omgång": "2025", "Svarade den": dt.date(2025, 3, 2)},
    "Frågor till medlemmar": {
        "Medlem": "Lund", "Kriterium": "inventering", "Frågad den": dt.date(2025, 3, 1),
    },
    "Egna serier": {
        "Serie-id": "lund-egen", "Medlem": "Lund", "Serie": "Egen", "Serie på engelska": "Own", "År": 2024,
        "Värde": 100, "Enhet": "tCO2e", "Källa": "bokslut", "Metod": "bränslen",
    },
    "Sektorlistor": {
        "List-id": "lund-lista", "Benämning": "Lista", "Benämning på engelska": "List",
        "Sektorer": "Transporter",
    },
    "Kommungrupper": {
        "Medlem": "Lund", "Grupp": "A1", "Gruppens namn": "Storstäder",
        "Gruppens namn på engelska": "Large cities", "Gäller från": dt.date(2023, 1, 1), "Källa": "SKR",
    },
    "Kontakter": {
        "Medlem": "Lund", "Slag": "förtroendevald", "Roll": "Ordförande",
        "Funktionsadress": "miljo@example.org",
    },
}  # fmt: skip
"""A row of each sheet that has no mistake."""

IN_CELLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("Medlemmar", "Namn", {"Namn": "Knivstad"},
     "ingen kommun eller region heter \"Knivstad\". Menas Knivsta (0330)?"),
    ("Medlemmar", "Namn", {"Kommunkod": "0305"}, "koden 0305 (Håbo) men anger \"Knivsta\""),
    ("Medlemmar", "Bekräftad", {"Namn": "Habo", "Bekräftad": "kanske"}, "Väntade ja eller nej"),
    ("Medlemmar", "Inträdesdag", {"Namn": "Heby", "Inträdesdag": "mars 2025"}, "Väntade en dag"),
    ("Medlemmar", "Anmärkning", {"Namn": "Ystad", "Anmärkning": NBSP}, "Den är tom"),
    ("Mål", "Procent under basåret", {"Procent under basåret": 0.63}, "0.63 kan betyda 63 % eller 0,63 %"),
    ("Mål", "Procent under basåret", {"Procent under basåret": (1.63, "0%")}, "högst 100"),
    ("Mål", "Basvärde i ton", {"Basvärde i ton": "146,060"}, "146 060 eller 146,06"),
    ("Mål", "Basvärde i ton", {"Basvärde i ton": "=1+1"}, "formel"),
    ("Mål", "Basvärde i ton", {"Basvärde i ton": "#N/A"}, "cellen visar felet \"#N/A\""),
    ("Mål", "Basvärde i ton", {"Basvärde i ton": (0.5, "0%")}, "cellen visar 50 %"),
    ("Mål", "Måltyp", {"Måltyp": "lägre"}, "väntade ett av minskning i procent, fast nivå"),
    ("Mål", "Beslutsdag", {"Beslutsdag": 45460}, "cellen visar talet 45460, inte en dag"),
    ("Mål", "Beslutsdag", {"Beslutsdag": "17 juni 2024"}, "Menas 2024-06-17?"),
    ("Mål", "Beslutsdag", {"Beslutsdag": dt.date(2150, 1, 1)}, "har inte kommit än"),
    ("Mål", "Målår", {"Målår": dt.date(2040, 1, 1)}, "cellen visar en dag"),
    ("Mål", "Målår", {"Målår": None}, "Den är tom, och Måltyp minskning i procent kräver den"),
    ("Mål", "Länk till beslutet", {"Länk till beslutet": "www.lund.se"}, "https://"),
    ("Mål", "Mål-id", {"Mål-id": "Lund 2040"}, "ett id med 2 till 63 tecken"),
    ("Mål", "Delmål", {"Delmål": "2030: hälften"}, "2025:30 %"),
    ("Mål", "Medlem", {"Medlem": None}, "raden anger ingen medlem"),
    ("Mål", "Årlig takt", {"Årlig takt": 16}, "högst 1"),
    ("Klimatplaner", "Slag", {"Slag": "utkastet"}, "väntade ett av plan, förplan, saknas"),
    ("Klimatplaner", "Beslutsår", {"Beslutsår": "tjugotjugo"}, "heltal"),
    ("Åtgärder", "Sektor", {"Sektor": "Rymden"}, "sektor"),
    ("Åtgärder", "Status", {"Status": "halvklar"}, "planerad, beslutad, pågående"),
    ("Åtgärder", "Effekt per år i ton", {
        "Effekt per år i ton": "2030: många", "Beräknad av": "KTH", "Beräkningssätt": "modell",
    },
     "år:ton"),
    ("Åtgärder", "Kostnad i kronor", {"Kostnad i kronor": "−5"}, "minst 0"),
    ("Åtgärder", "Ansvarig roll", {"Ansvarig roll": "@strategen"}, "formel"),
    ("Åtgärder", "Åtgärd", {"Åtgärd": "CykelvÃ¤gar"}, "Bokstäver har blivit fel"),
    ("Åtgärder", "Underlag", {"Underlag": "lund.se/underlag"}, "https://"),
    ("Åtgärder", "Åtgärds-id", {"Åtgärds-id": "tierp-buss"}, "står redan i rad 2"),
    ("Underlag för kriterier", "Länk", {"Länk": None}, "och Slag dokument kräver den"),
    ("Underlag för kriterier", "Inventeringens år", {"Inventeringens år": 1850}, "minst 1900"),
    ("Rapporteringsomgångar", "Stänger", {"Stänger": None}, "Den är tom"),
    ("Svar i omgångar", "Kommunkod", {"Medlem": "Riket"}, "kod"),
    ("Frågor till medlemmar", "Kriterium", {"Kriterium": "ekonomi"}, "inventering, mål"),
    ("Egna serier", "Värde", {"Värde": "1.250,5"}, "inte läsas som ett tal"),
    ("Egna serier", "Enhet", {"Enhet": None}, "Den är tom"),
    ("Sektorlistor", "Sektorer", {"Sektorer": "Transporter|Rymden"}, "sektor"),
    ("Kommungrupper", "Grupp", {"Grupp": "D9"}, "A till C"),
    ("Kontakter", "Funktionsadress", {"Funktionsadress": "anna.ek@example.org"}, "funktion"),
]  # fmt: skip
"""What a cell can have wrong: sheet, the wrong cell's column, what differs from a sound row, the remark."""
BETWEEN_ROWS: list[tuple[str, str, dict[str, Any], str]] = [
    ("Medlemmar", "Sökande", {"Sökande": "ja"}, "samtidigt"),
    ("Medlemmar", "Utträdesdag", {
        "Namn": "Habo", "Bekräftad": "nej", "Observatör": "ja", "Inträdesdag": dt.date(2020, 1, 1),
        "Utträdesdag": dt.date(2023, 1, 1),
    }, "mer än ett år"),
    ("Mål", "Målår", {"Mål-id": "a1", "Målår": 1980}, "inte efter"),
    ("Mål", "Delmål", {"Mål-id": "a2", "Målår": 2041, "Delmål": "2045:90 %"}, "delmålet 2045"),
    ("Mål", "Ersatt av", {
        "Mål-id": "a3", "Målår": 2042, "Ersatt av": "lund_2050", "Gäller till": dt.date(2025, 1, 1),
    },
     "inget mål"),
    ("Mål", "Gäller till", {
        "Mål-id": "a4", "Målår": 2043, "Gäller från": dt.date(2025, 1, 1), "Gäller till": dt.date(2024, 1, 1),
    }, "före"),
    ("Mål", "Avgränsning", {"Mål-id": "a5", "Målår": 2044, "Avgränsning": "egen serie: saknas"},
     "avgränsning"),
    ("Mål", "Avgränsning", {"Mål-id": "a6", "Målår": 2045, "Avgränsning": "egen serie: tierp-egna"},
     "tillhör 0360"),
    ("Mål", "Avgränsning", {
        "Mål-id": "a7", "Måltyp": "nettonoll", "Avgränsning": "publicerad summa",
        "Procent under basåret": None,
    }, "nettonoll"),
    ("Mål", "Gäller till", {
        "Mål-id": "a8", "Medlem": "Tierp", "Målår": 2030, "Gäller från": dt.date(2025, 1, 1),
    }, "rad 3"),
    ("Mål", "Beslutat av", {"Mål-id": "a9", "Målår": 2046, "Beslutat av": None}, "Den är tom"),
    ("Klimatplaner", "Beslutsdag", {"Plan-id": "p1", "Medlem": "Habo", "Slag": "saknas"},
     "En plan som saknas har Beslutsdag"),
    ("Klimatplaner", "Beslutsår", {"Plan-id": "p2", "Medlem": "Håbo", "Beslutsår": 2020}, "2020"),
    ("Klimatplaner", "Gäller till", {"Plan-id": "p3", "Medlem": "Tierp", "Beslutsdag": dt.date(2025, 6, 1)},
     "samtidigt som rad"),
    ("Åtgärder", "Slutdatum", {
        "Startdatum": dt.date(2026, 1, 1), "Slutdatum": dt.date(2025, 1, 1),
    }, "före"),
    ("Klimatlöften", "Åtgärder", {"Åtgärder": "lund-bos"}, "lund-bos"),
    ("Klimatlöften", "Åtgärder", {"Löftes-id": "l2", "Åtgärder": "tierp-buss"}, "annan ägare"),
    ("Klimatlöften", "Ska vara hållet", {"Löftes-id": "l3", "Ska vara hållet": dt.date(2020, 1, 1)}, "före"),
    ("Rapporteringsomgångar", "Öppnar", {
        "Omgång": "2026b", "Öppnar": dt.date(2026, 3, 1), "Stänger": dt.date(2026, 4, 1),
    }, "annan omgång"),
    ("Svar i omgångar", "Omgång", {"Omgång": "2031"}, "2031"),
    ("Svar i omgångar", "Svarade den", {"Svarade den": dt.date(2025, 1, 2)}, "innan omgången öppnade"),
    ("Frågor till medlemmar", "Svarade den", {"Svarade den": dt.date(2025, 2, 1)}, "före"),
    ("Egna serier", "Enhet", {"Serie-id": "tierp-egna", "Medlem": "Tierp", "Serie": "Egen verksamhet",
        "Serie på engelska": "Own operations", "Enhet": "kg", "År": 2025}, "tCO2e"),
    ("Sektorlistor", "Sektorer", {"Sektorer": "Personbilar"}, "huvudsektor"),
    ("Kommungrupper", "Gäller från", {"Medlem": "Malmö", "Gäller från": dt.date(2024, 1, 1)}, "annan grupp"),
    ("Kontakter", "Kommunkod", {"Medlem": "Ystad"}, "members.csv"),
]  # fmt: skip
"""What a row can have wrong beside other rows and columns; reported once no cell is wrong alone."""


def mistaken(folder: Path, wrong: list[tuple[str, str, dict[str, Any], str]]) -> tuple[Any, list[str], str]:
    """The marked copy of a workbook with all these rows, the cell of each, and what the command printed."""
    contacts = folder.parent / "contacts.csv"
    contacts.write_text("region_code,kind,role,address\n1281,official,Strateg,klimat@example.org\n", "utf-8")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("KLIMATPULS_")}
    environ |= {"KLIMATPULS_REGISTERS": str(folder), "KLIMATPULS_CONTACTS": str(contacts)}
    book = folder.parent / "register.xlsx"

    def command(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KLIMATPULS, "registers", *argv],
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert command("export", str(book), "--with-contacts").returncode == 0
    person = Person(book)
    cells = []
    for sheet, header, differs, _ in wrong:
        row = person.add(sheet, **{**ROWS[sheet], **unique(sheet, len(cells)), **differs})
        cells.append(person.at(sheet, header, row).coordinate)
    person.save()
    before = content(folder)
    done = command("import", str(book), "--apply")
    assert done.returncode == 1
    assert content(folder) == before, "nothing is written"
    return openpyxl.load_workbook(book.with_name("register – fel.xlsx")), cells, done.stderr


def unique(sheet: str, number: int) -> dict[str, Any]:
    """A key of its own for a row, so that only the one mistake of it is found."""
    title = next(iter(ROWS[sheet]))
    if title.endswith("-id"):
        return {title: f"rad-{number}"}
    if sheet == "Rapporteringsomgångar":
        return {title: f"r{number}"}
    return {}


@pytest.fixture(scope="module")
def in_cells(sound_files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str], str]:
    folder = Path(shutil.copytree(sound_files, tmp_path_factory.mktemp("cells") / "registers"))
    return mistaken(folder, IN_CELLS)


@pytest.fixture(scope="module")
def between_rows(sound_files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str], str]:
    folder = Path(shutil.copytree(sound_files, tmp_path_factory.mktemp("rows") / "registers"))
    return mistaken(folder, BETWEEN_ROWS)


def assert_marked(found: tuple[Any, list[str], str], number: int, sheet: str, words: str) -> None:
    book, cells, _ = found
    cell = book[sheet][cells[number]]
    assert cell.comment is not None, [row for row in book["Fel"].values if row[0] == sheet]
    assert words.casefold() in cell.comment.text.casefold()
    assert cell.fill.start_color.rgb == WRONG
    listed = [
        row
        for row in book["Fel"].iter_rows(min_row=4)
        if (row[0].value, row[1].value) == (sheet, cells[number])
    ]
    assert listed, "it stands in the list"
    assert listed[0][1].hyperlink.location == f"'{sheet}'!{cells[number]}"
    assert any(words.casefold() in f"{row[3].value} {row[4].value}".casefold() for row in listed)


@pytest.mark.parametrize("number", range(len(IN_CELLS)), ids=lambda n: f"{IN_CELLS[n][0]}-{IN_CELLS[n][3]}")
def test_a_mistake_in_a_cell_is_marked_there_in_swedish(in_cells: Any, number: int) -> None:
    assert_marked(in_cells, number, IN_CELLS[number][0], IN_CELLS[number][3])


@pytest.mark.parametrize(
    "number", range(len(BETWEEN_ROWS)), ids=lambda n: f"{BETWEEN_ROWS[n][0]}-{BETWEEN_ROWS[n][3]}"
)
def test_a_mistake_between_rows_is_marked_at_a_cell_in_swedish(between_rows: Any, number: int) -> None:
    assert_marked(between_rows, number, BETWEEN_ROWS[number][0], BETWEEN_ROWS[number][3])


def test_each_mistake_is_reported_once_and_no_other(in_cells: Any, between_rows: Any) -> None:
    for (book, cells, printed), wrong in ((in_cells, IN_CELLS), (between_rows, BETWEEN_ROWS)):
        wanted = sorted((sheet, cell) for (sheet, *_), cell in zip(wrong, cells, strict=True))
        listed = sorted((row[0], row[1]) for row in book["Fel"].iter_rows(min_row=4, values_only=True))
        assert listed == wanted
        assert f"{len(wanted)} celler och rader att rätta" in book["Fel"]["A1"].value
        assert "anna.ek" not in printed
    assert len({words for *_, words in (*IN_CELLS, *BETWEEN_ROWS)}) >= 40
