"""A folder of registers in which every register says something."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from klimatpuls.cli import main
from klimatpuls.paths import REGISTERS_FOLDER

ROWS = {
    "climate_plans.csv": [
        "tierp-1,0360,plan,Klimatplan,2020-05-04,,2020-01-01,2024-12-31,,https://example.org/1,,beslut,",
        "tierp-2,0360,plan,Klimatprogram,2023-12-12,,2025-01-01,,,https://example.org/2,,beslut,",
        "lund-0,1281,pre_plan,Utkast,,,,,,https://example.org/3,2026-01-02,remiss,",
        "malmo-0,1280,missing,,,,,,,,2026-01-02,eftersökt,",
    ],
    "measures.csv": [
        "tierp-buss,0360,territorial,transport,Elbussar,Electric buses,ongoing,2025-01-01,2029-12-31,"
        '"2026:120,5|2030:400",Upphandlaren,schablon,"1 250 000",KK-1,trafikstrateg,https://example.org/b,2026-02-03',
        "tierp-varme,0360,own_series:tierp-egna,own_heating,Pannor,Boilers,planned,,,,,,,,fastighetschef,,2026-02-03",
        "lund-avfall,1281,sector_list:avfall,waste,Sortering,Sorting,beslutad,,,,,,,,renhållningschef,,2026-02-03",
    ],
    "pledges.csv": [
        "tierp-l1,0360,Länsstyrelsen,Fossilfri flotta,2024-03-01,2030-12-31,tierp-buss|tierp-varme"
    ],
    "evidence.csv": [
        "e1,0360,action_plan,document,2025-02-01,klimatstrateg,,https://example.org/e1",
        "e2,1281,inventory,self_confirmed,2025-02-01,klimatstrateg,2023,",
    ],
    "enquiries.csv": [
        "0360,targets,2025-01-10,,2025-01-20,Mål antas i höst",
        "1281,targets,2025-01-10,2025-08-01,,",
    ],
    "reporting_rounds.csv": ["2025,2025-02-01,2025-03-31", "2026,2026-02-01,2026-03-31"],
    "answers.csv": ["1281,2025,2025-03-01", "1281,2026,2026-03-01", "1280,,2026-06-01"],
    "own_series.csv": [
        "tierp-egna,0360,Egen verksamhet,Own operations,2023,1200.5,tCO2e,miljöbokslut,bränslen",
        "tierp-egna,0360,Egen verksamhet,Own operations,2024,1100,tCO2e,miljöbokslut,bränslen",
        "tierp-energi,0360,Energi,Energy,2024,5000,MWh,miljöbokslut,mätare",
    ],
    "sector_lists.csv": ["avfall,Avfall,Waste,waste"],
    "municipality_groups.csv": [
        "1280,A1,Storstäder,Large cities,2017-01-01,2022-12-31,SKR 2017",
        "1280,A1,Storstäder,Large cities,2023-01-01,,SKR 2023",
    ],
    "official_figures.csv": [
        "2024,2024,effort_sharing,30000000,2025-12-16,Naturvårdsverket,https://example.org/utfall",
        "2024,2025,transport,13000000,2026-05-04,Naturvårdsverket,https://example.org/preliminart",
    ],
    "ets_plants.csv": [
        "101,Bruket,0360,industry,,2019-12-31,2025-02-03,tillstånd",
        "101,Bruket,0382,industry,2020-01-01,,2025-02-03,tillstånd",
    ],
    "ets_statements.csv": ["0360,2025-02-03,miljöchef,länsstyrelsens förteckning"],
    "trading_references.csv": ["0360,2022,non_trading,5.5,tCO2e_per_inhabitant,Miljöbarometern"],
}
TARGETS = """\
targets:
  - target_id: tierp_2025
    region_code: "0360"
    title_sv: Gammalt mål
    title_en: Old target
    boundary: territorial
    target_type: percent_below_base
    base_year: 1990
    target_year: 2030
    percent_below_base: 40
    decided_on: 2018-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut-1
    valid_from: 2018-06-17
    valid_to: 2024-06-16
    superseded_by: tierp_2030
  - target_id: tierp_2030
    region_code: "0360"
    title_sv: Nytt mål
    title_en: New target
    boundary: territorial
    target_type: percent_below_base
    base_year: 1990
    target_year: 2030
    percent_below_base: 63
    decided_on: 2024-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut-2
    valid_from: 2024-06-17
    interim:
      - {year: 2027, percent_below_base: 50}
  - target_id: tierp_budget
    region_code: "0360"
    title_sv: Budget
    title_en: Budget
    boundary: territorial
    target_type: carbon_budget
    budget_start_year: 2021
    target_year: 2030
    budget_tco2e: 900000
    decided_on: 2024-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut-3
"""


Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture(scope="session")
def sound_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's registers with made-up rows in each that is empty; to be copied."""
    folder = Path(shutil.copytree(REGISTERS_FOLDER, tmp_path_factory.mktemp("sound") / "registers"))
    for name, rows in ROWS.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    (folder / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    return folder


@pytest.fixture
def sound(tmp_path: Path, sound_files: Path) -> Path:
    """A folder of such registers, to be changed."""
    return Path(shutil.copytree(sound_files, tmp_path / "registers"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on registers here, as its process would: that need not start and import everything."""

    def give(*words: str, **settings: str) -> Done:
        argv = ["klimatpuls", "registers", *words]
        handler = signal.getsignal(signal.SIGTERM)
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("KLIMATPULS_")]:
                patch.delenv(name)
            for name, value in settings.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", argv)
            try:
                with pytest.raises(SystemExit) as ended:
                    main.main()
            finally:
                signal.signal(signal.SIGTERM, handler)
        return Done(argv, int(ended.value.code or 0), *capsys.readouterr())

    return give
