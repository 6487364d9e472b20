"""The result of an asset check, in the two forms that Dagster records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of a check, wherever it ran: in a run, in a sensor or on request from the UI."""

    check: dg.AssetCheckKey
    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: Mapping[str, Any]

    def as_result(self) -> dg.AssetCheckResult:
        """Return the result as a run records it, for an asset or a check that yields it."""
        return dg.AssetCheckResult(
            asset_key=self.check.asset_key,
            check_name=self.check.name,
            passed=self.passed,
            severity=self.severity,
            description=self.description,
            metadata=self.metadata,
        )

    def as_evaluation(self, *, partition: str | None = None, blocking: bool = False) -> dg.AssetCheckEvaluation:
        """Return the result as an event, for a sensor or for one partition of a run.

        Args:
            partition: The partition key that was checked; None for the asset as a whole.
            blocking: Whether what is downstream waits for this check.
        """
        return dg.AssetCheckEvaluation(
            asset_key=self.check.asset_key,
            check_name=self.check.name,
            passed=self.passed,
            severity=self.severity,
            description=self.description,
            metadata=self.metadata,
            partition=partition,
            blocking=blocking,
        )
