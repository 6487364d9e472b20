"""Node ids of tests, as pages and lists name them."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def is_missing(test: str) -> bool:
    """Whether there is no function of that name in that file; parameters in brackets are not looked at."""
    path, _, name = test.partition("[")[0].partition("::")
    if not (ROOT / path).is_file():
        return True
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
