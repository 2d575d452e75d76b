"""The data that ships inside scikit-learn, which is imported only when asked for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from shared.datasets.dataset import Array, Dataset
from shared.errors import UsageError


def iris_two_species() -> Dataset:
    """Return the first two iris species, told apart by two lengths.

    Returns:
        x float64 (100, 2), sepal and petal length in cm; y float64 (100,),
        -1 for the 50 setosa and then +1 for the 50 versicolor.
        ``class_names`` follows the order -1, +1.
    """
    from sklearn.datasets import load_iris  # type: ignore[import-untyped,unused-ignore]

    iris = load_iris()
    return Dataset(
        name="iris_two_species",
        x_train=iris.data[:100, [0, 2]].astype(np.float64),
        y_train=np.where(iris.target[:100] == 0, -1.0, 1.0),
        feature_names=("sepal length (cm)", "petal length (cm)"),
        class_names=("setosa", "versicolor"),
        licence="CC BY 4.0 (UCI Machine Learning Repository, Iris)",
        source="R. A. Fisher, 1936, The use of multiple measurements in taxonomic "
        "problems; copy in scikit-learn",
    )


def digits(test_fraction: float = 0.2) -> Dataset:
    """Return the 8 x 8 handwritten digits in a fixed, evenly spread split.

    Args:
        test_fraction: share of the samples held out, 0.001 to 0.999. The default
            holds out every fifth sample (index % 5 == 4).

    Returns:
        x float64 (N, 64), row by row, brightness 0 to 1; y int64 (N,), 0 to 9.
        The default gives 1438 training and 359 test samples.

    Raises:
        UsageError: if ``test_fraction`` is out of range.
    """
    if not 0.001 <= test_fraction <= 0.999:
        raise UsageError(
            f"digits: test_fraction is {test_fraction}; give 0.001 to 0.999"
        )
    from sklearn.datasets import load_digits

    raw = load_digits()
    x = raw.data.astype(np.float64) / 16
    y = raw.target.astype(np.int64)
    held_out = _held_out(len(x), test_fraction)
    return Dataset(
        name="digits",
        x_train=x[~held_out],
        y_train=y[~held_out],
        x_test=x[held_out],
        y_test=y[held_out],
        feature_names=tuple(f"pixel_{r}_{c}" for r in range(8) for c in range(8)),
        class_names=tuple(str(digit) for digit in range(10)),
        licence="CC BY 4.0 (UCI Machine Learning Repository, Optical Recognition of "
        "Handwritten Digits)",
        source="E. Alpaydin and C. Kaynak, 1998; copy in scikit-learn",
    )


def _held_out(count: int, fraction: float) -> Array:
    """Mark the test samples, bool (count,): where the running quota grows by one."""
    # Whole numbers, so that rounding never moves a sample to the other side.
    share = Fraction(fraction).limit_denominator(1000)
    quota = np.arange(count + 1) * share.numerator // share.denominator
    return np.diff(quota) > 0
