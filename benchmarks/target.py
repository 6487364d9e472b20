"""Measured ratios next to their targets."""


def print_ratio(name: str, ratio: float, target: float) -> None:
    """Print the ratio, the target, and whether it is met."""
    _print(name, ratio, f"target {target:g}", met=ratio >= target)


def print_ratio_at_most(name: str, ratio: float, target: float) -> None:
    """Print the ratio, the largest allowed value, and whether it is met."""
    _print(name, ratio, f"at most {target:g}", met=ratio <= target)


def _print(name: str, ratio: float, wanted: str, *, met: bool) -> None:
    print(f"{name:<25} {ratio:>11.3f} ({wanted}: {'met' if met else 'missed'})", flush=True)
