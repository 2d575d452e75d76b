"""Draw the README's picture: a real comparison, as the terminal shows it.

python tests/picture.py > .github/compare.svg
"""

from __future__ import annotations

import io
import re
import sys

from rich import _export_format as export_format
from rich.console import Console
from rich.terminal_theme import MONOKAI

import shared
from shared import terminal

# rich's template names a web font; a picture in a README should ask for nothing.
TEMPLATE = re.sub(
    r"@font-face \{\{.*?\}\}", "", export_format.CONSOLE_SVG_FORMAT, flags=re.DOTALL
)


def main() -> None:
    """Compare xor_mlp and print the SVG."""
    terminal.out = Console(
        record=True, width=84, file=io.StringIO(), force_terminal=True, highlight=False
    )
    terminal.show_comparison(shared.compare("xor_mlp"))
    svg = terminal.out.export_svg(
        title="twotrack compare xor_mlp",
        theme=MONOKAI,
        code_format=TEMPLATE,
        unique_id="twotrack",
    )
    sys.stdout.write(svg + "\n")


if __name__ == "__main__":
    main()
