"""Live tests call the agencies: only when asked for by name, ``pytest -m live``."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "live" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="calls the agencies; run with: pytest -m live")
    for item in items:
        if item.get_closest_marker("live") is not None:
            item.add_marker(skip)
