"""The small tables that are written out in the lecture notes."""

from __future__ import annotations

import numpy as np

from shared.datasets.dataset import Dataset
from shared.errors import UsageError

_LICENCE = "facts from the lecture notes; no rights claimed"
_SOURCE = "table in the lecture notes"

GATES = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "nand": (1, 1, 1, 0),
    "xor": (0, 1, 1, 0),
}


def truth_table(gate: str) -> Dataset:
    """Return the truth table of a two-input logic gate.

    Args:
        gate: "and", "or", "nand" or "xor"; also the dataset's name.

    Returns:
        x float64 (4, 2) in the order 00, 01, 10, 11; y float64 (4, 1), 0 or 1.

    Raises:
        UsageError: for any other gate.
    """
    if gate not in GATES:
        raise UsageError(f"no gate {gate!r}; choose one of {', '.join(GATES)}")
    return Dataset(
        name=gate,
        x_train=np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64),
        y_train=np.array(GATES[gate], dtype=np.float64).reshape(4, 1),
        feature_names=("input 1", "input 2"),
        class_names=("0", "1"),
        licence="mathematical facts",
        source=f"definition of the {gate.upper()} gate",
    )


def exam_scores() -> Dataset:
    """Return five students' three test scores and their final score.

    Returns:
        x float64 (5, 3), points out of 100; y float64 (5, 1), points out of 200.
    """
    x = [[73, 80, 75], [93, 88, 93], [89, 91, 90], [96, 98, 100], [73, 66, 70]]
    return Dataset(
        name="exam_scores",
        x_train=np.array(x, dtype=np.float64),
        y_train=np.array([[152], [185], [180], [196], [142]], dtype=np.float64),
        feature_names=("quiz 1", "quiz 2", "midterm"),
        licence=_LICENCE,
        source=_SOURCE,
    )


def study_hours() -> Dataset:
    """Return six students' hours and whether they passed.

    Returns:
        x float64 (6, 2), hours in class and hours of study; y float64 (6, 1),
        1 for a pass and 0 for a fail.
    """
    x = [[1, 2], [2, 3], [3, 1], [4, 3], [5, 3], [6, 2]]
    return Dataset(
        name="study_hours",
        x_train=np.array(x, dtype=np.float64),
        y_train=np.array([[0], [0], [0], [1], [1], [1]], dtype=np.float64),
        feature_names=("hours in class", "hours of study"),
        class_names=("fail", "pass"),
        licence=_LICENCE,
        source=_SOURCE,
    )


def grades() -> Dataset:
    """Return eight students' four scores and their grade.

    Returns:
        x float64 (8, 4); y int64 (8,), an index into ``class_names``: 0 is "A".
    """
    x = [
        [1, 2, 1, 1],
        [2, 1, 3, 2],
        [3, 1, 3, 4],
        [4, 1, 5, 5],
        [1, 7, 5, 5],
        [1, 2, 5, 6],
        [1, 6, 6, 6],
        [1, 7, 7, 7],
    ]
    return Dataset(
        name="grades",
        x_train=np.array(x, dtype=np.float64),
        y_train=np.array([2, 2, 2, 1, 1, 1, 0, 0], dtype=np.int64),
        feature_names=("score 1", "score 2", "score 3", "score 4"),
        class_names=("A", "B", "C"),
        licence=_LICENCE,
        source=_SOURCE,
    )


def four_points() -> Dataset:
    """Return four points of a surface over the unit square.

    Returns:
        x float64 (4, 2) in the order 00, 01, 10, 11; y float64 (4, 1).
    """
    return Dataset(
        name="four_points",
        x_train=np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64),
        y_train=np.array([[5], [6], [8], [10]], dtype=np.float64),
        feature_names=("x1", "x2"),
        licence=_LICENCE,
        source=_SOURCE,
    )
