"""Run notebooks one after the other in one kernel, and write each back as it is then.

    python notebook_runner.py A.ipynb B.ipynb ...

The kernel is fresh for the first, and forgets all names before each other one. It is a
process of its own because nbclient leaves its event loop and sockets open.
"""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient
from nbformat import v4

FORGET = "%reset_selective -f ."


def main(paths: list[str]) -> None:
    client = NotebookClient(v4.new_notebook(), timeout=300, allow_errors=True)
    with client.setup_kernel():
        for path in paths:
            client.nb = nbformat.read(path, as_version=4)
            client.nb.cells.insert(0, v4.new_code_cell(FORGET))
            client.reset_execution_trackers()
            for index, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, index)
            del client.nb.cells[0]
            nbformat.write(client.nb, path)


if __name__ == "__main__":
    main(sys.argv[1:])
