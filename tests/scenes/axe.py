"""What axe-core finds wrong with a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def findings(page: Page, part: str = ".lrlesson-scene") -> list[str]:
    """Serious and critical findings within a part of the page: rule, element, reason."""
    results: dict[str, Any] = Axe().run(page, context=part).response
    assert len(results["passes"]) > 5  # it has looked
    return [
        f"{found['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for found in results["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]
