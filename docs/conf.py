"""How Sphinx builds the site of this folder: `make docs`, into build/docs."""

import re
from typing import Any

from docutils import nodes
from mermaidx import Diagram
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

project = "Ticketsim"
author = copyright = "the Ticketsim authors"  # noqa: A001

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
# `bash background` says to the tutorial's test how a block is run.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "Ticketsim"
html_copy_source = False


class Mermaid(SphinxDirective):
    """A diagram as SVG, drawn while the site is built: invalid syntax ends the build, and no page loads a script."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw the block's text."""
        try:
            svg = Diagram("\n".join(self.content), theme="neutral").svg()
        except RuntimeError as error:
            raise self.error(str(error)) from error
        # Ids and the styles that name them are per page: each diagram has its own.
        own = f"mermaid-{self.env.new_serialno('mermaid')}"
        drawn = re.sub(r"\bmy-svg\b", own, svg)
        return [nodes.raw("", f'<div style="background: white; overflow-x: auto">{drawn}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Make Sphinx know the directive."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
