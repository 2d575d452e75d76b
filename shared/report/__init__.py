"""The side-by-side pages: a comparison as HTML that works from disk."""

from __future__ import annotations

from typing import Any


def check_page(report: dict[str, Any]) -> str:
    """The page of a user's own pair; `shared.report.pair_page.page` tells more."""
    from shared.report.pair_page import page

    return page(report)
