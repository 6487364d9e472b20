"""Code references of assets: local files that the Dagster UI names and opens in an editor.

`dagster.with_source_code_references` finds the function of an asset that has one; the others name a module here.
"""

import warnings
from importlib.util import find_spec

import dagster as dg

# References are beta in 1.13, which Dagster says once for every asset; the pin keeps them as tested.
warnings.filterwarnings("ignore", message=".*(CodeReference|source_code_references)", category=dg.BetaWarning)


def in_module(name: str) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Build the metadata of an asset that module ``name`` fills; the module is located, not imported."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {name!r}; expected a module of this project.", name=name)
    reference = dg.LocalFileCodeReference(file_path=found.origin, line_number=1)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}
