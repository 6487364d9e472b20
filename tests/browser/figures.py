"""What the page must say, by SQL on its marts."""

LATEST = "7f3a90c1d2e4"  # pragma: allowlist secret
NOTHING = "\N{EN DASH}"
LATEST_RUN = f"run_id = '{LATEST}'"


def duration(us: float | None, unit: str = "s") -> str:
    if us is None:
        return NOTHING
    return f"{us / {'s': 1e6, 'min': 60e6}[unit]:,.1f} {unit}"


def _within_bins(rows: list[tuple], part: float) -> float | None:
    """Return the seconds that ``part`` of the visitors are no longer than; rows of from_us, to_us and visitors."""
    rank, below = part * sum(visitors for *_, visitors in rows), 0
    for from_us, to_us, visitors in sorted(rows, key=lambda row: row[0]):
        if below + visitors >= rank:
            return (from_us + ((to_us or from_us) - from_us) * (rank - below) / visitors) / 1e6
        below += visitors
    return None


def percentile(warehouse, table: str, where: str, percent: int) -> float | None:
    rows = warehouse.rows(f"select from_us, to_us, sum(visitors) from marts.{table} where {where} group by all")
    return _within_bins(rows, percent / 100)


def said(seconds: float | None, unit: str = "min") -> str:
    return duration(None if seconds is None else seconds * 1e6, unit)


def expected_tiles(warehouse, where: str, line: str = "true", channel: str = "true") -> dict[str, str]:
    """Return what the tiles say by SQL.

    Args:
        warehouse: Its marts.
        where: The condition of run, venue and hours.
        line: The condition of a chosen line.
        channel: The condition of chosen visitors.
    """
    arrived, cents = warehouse.ask(
        f"select sum(visitors_arrived), sum(revenue_cents) from marts.agg_venue_hourly where {where}"
    )
    (busy,) = warehouse.ask(
        f"""select 100 * sum(busy_us) / sum(servers * 3600e6) from marts.agg_line_hourly
        where servers > 0 and stage = 'seller' and {line} and {where}"""
    )
    waits, times = "agg_wait_histogram_hourly", "agg_time_in_system_hourly"
    sellers, scanners = (f"stage = '{stage}' and {line} and {channel} and {where}" for stage in ("seller", "scanner"))
    return {
        "arrived": f"{arrived or 0:,}",
        "revenue": f"${((cents or 0) + 50) // 100:,}",
        "seller-p50": said(percentile(warehouse, waits, sellers, 50)),
        "seller-p95": said(percentile(warehouse, waits, sellers, 95)),
        "scanner-p95": said(percentile(warehouse, waits, scanners, 95), "s"),
        "box-office": said(percentile(warehouse, times, f"channel = 'box_office' and {where}", 50)),
        "online": said(percentile(warehouse, times, f"channel = 'online' and {where}", 50)),
        "busy": NOTHING if busy is None else f"{busy:.1f} %",
    }


TILES = ("arrived", "revenue", "seller-p50", "seller-p95", "scanner-p95", "box-office", "online", "busy")


def tiles(opened) -> dict[str, str]:
    return {name: opened.text(f"#kpi-{name}") for name in TILES}
