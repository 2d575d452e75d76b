"""The ways to run one training that the bench holds against each other."""

from __future__ import annotations

import dataclasses

TRACKS = ("tf", "torch")

THREADS = "default threads"
IDIOM, FREE = f"idiom, {THREADS}", f"engine, {THREADS}"
"""A tutorial leaves the framework its threads. So may TensorFlow's engine, which shares
large products among them; PyTorch's is fastest with one, and with a second thread of
the engine's own that does a half of the work.
"""

FUSED = ("adam", "adamw", "adagrad")
"""The rules that PyTorch's engine has updated in one call (torch_track/replay.py)."""


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to run a lesson's training.

    Attributes:
        track: "tf" or "torch".
        name: short and unique within the track.
        label: what a reader sees.
        engine: as in shared.session.Session.
        threads: as in shared.job.Job.
    """

    track: str
    name: str
    label: str
    engine: str
    threads: int | None = 1

    @property
    def key(self) -> str:
        return f"{self.track} {self.name}"


def ways(batched: bool, rule: str | None) -> list[Way]:
    """All ways, the engine last in each track.

    Args:
        batched: whether a step sees a part of the samples; if not, PyTorch's tutorials
            use no DataLoader, and there is nothing that an expert would do otherwise.
        rule: the optimizer's, such as "adam". A tutorial leaves PyTorch its default
            form of it; where another one is faster, that is a way of its own, and
            rounds as the engine does.
    """
    fused = rule in FUSED
    torch = "DataLoader, eager" if batched else "eager loop"
    hand = "sliced tensors, fused" if fused else "sliced tensors, eager"
    found = [
        Way("tf", IDIOM, "Keras fit", "idiom", None),
        Way("tf", "idiom", "Keras fit, one thread", "idiom"),
        Way("tf", "tuned", "fit, 125 steps a call", "tuned"),
        Way("tf", "hand", "tf.function step", "hand"),
        Way("tf", FREE, FREE, "auto", None),
        Way("tf", "engine", "engine", "auto"),
        Way("torch", IDIOM, torch, "idiom", None),
        Way("torch", "idiom", f"{torch}, one thread", "idiom"),
        Way("torch", "tuned", f"{torch}, fused", "tuned"),
        Way("torch", "hand", hand, "hand"),
        Way("torch", "engine", "engine", "auto"),
    ]
    without = set() if batched else {"tf tuned", "torch hand"}
    without |= set() if fused else {"torch tuned"}
    return [way for way in found if way.key not in without]
