"""Figures beside what is wanted of them."""


def print_ratio(name: str, ratio: float, target: float) -> None:
    """One line: the ratio, the least that is wanted, and whether that is met."""
    _print(name, ratio, f"target {target:g}", met=ratio >= target)


def print_ratio_at_most(name: str, ratio: float, target: float) -> None:
    """One line: the ratio, the most that it may be, and whether that is met."""
    _print(name, ratio, f"at most {target:g}", met=ratio <= target)


def _print(name: str, ratio: float, wanted: str, *, met: bool) -> None:
    print(f"{name:<25} {ratio:>11.3f} ({wanted}: {'met' if met else 'missed'})", flush=True)
