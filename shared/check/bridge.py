"""Over a place that nothing explains: Keras' values in the place of PyTorch's."""

from __future__ import annotations

from shared.check import local
from shared.check.answers import Answers
from shared.check.both import Both
from shared.check.candidate import Repair
from shared.check.flow import head
from shared.check.steps import Departure


def over(both: Both, departure: Departure, answers: Answers) -> Repair | None:
    """The repair behind which both go on from the same values.

    Args:
        both: the pair, which keeps the values.
        departure: what departs there.
        answers: a forward pass that recorded everything.

    Returns:
        What PyTorch's model is asked to do; None where Keras' values do not fit.
    """
    slot, what = departure.slot, departure.what
    if slot is None or slot.keras is None or slot.torch is None:
        return None
    key = f"{head(slot.torch)}/{what}"
    keras, torch = answers.keras[f"{head(slot.keras)}/{what}"], answers.torch[key]
    rows = both.rows.get(slot.keras["order"]) if slot.is_layer else None
    array = local.arranged(keras, torch, rows if what == "in" else None)
    if array is None:
        return None
    both.put[key] = array
    where = {name: slot.torch[name] for name in ("order", "id") if name in slot.torch}
    return {"do": "put", "what": what, "key": key, **where}
