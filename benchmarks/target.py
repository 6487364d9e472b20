"""Figures beside what is wanted of them."""


def print_ratio(name: str, ratio: float, target: float) -> None:
    """One line: the ratio, the least that is wanted, and whether that is met."""
    verdict = "met" if ratio >= target else "missed"
    print(f"{name:<25} {ratio:>11.3f} (target {target:g}: {verdict})", flush=True)
