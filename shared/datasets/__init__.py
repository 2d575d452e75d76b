"""The lessons' data as read-only NumPy arrays, the same for every framework."""

from shared.datasets.bundled import digits, iris_two_species
from shared.datasets.catalogue import load, names
from shared.datasets.dataset import Dataset
from shared.datasets.handwritten import mnist
from shared.datasets.tables import (
    exam_scores,
    four_points,
    grades,
    study_hours,
    truth_table,
)

__all__ = [
    "Dataset",
    "digits",
    "exam_scores",
    "four_points",
    "grades",
    "iris_two_species",
    "load",
    "mnist",
    "names",
    "study_hours",
    "truth_table",
]
