"""Which differences are the cause: each is repaired, and what is left is measured.

A candidate is a cause only if, with all other causes repaired, the two models differ
without its repair and do not with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence, Set

from shared.check import (
    bridge,
    glue_causes,
    layer_causes,
    measure,
    sequence_causes,
    steps,
)
from shared.check.answers import Answers
from shared.check.both import Both
from shared.check.candidate import Candidate, Repair, merged
from shared.check.choose import ENOUGH, units
from shared.errors import UsageError

BRIDGES = 8
"""So many places that nothing explains are passed over with Keras' values."""


@dataclasses.dataclass(frozen=True)
class Behind:
    """A cause behind a place that no known cause explains.

    Attributes:
        candidate: the cause.
        place: that place, from which on both models are given Keras' values.
        share: the part of its own step's error that its repair then removes.
    """

    candidate: Candidate
    place: str
    share: float


@dataclasses.dataclass(frozen=True)
class Found:
    """What explains a departure, and what does not.

    Attributes:
        causes: in the order in which the model runs.
        first: the first place that departs, explained or not; "" if none does.
        unexplained: the first place that still departs with all repairs, or "".
        behind: causes that show further on.
    """

    causes: tuple[Candidate, ...] = ()
    first: str = ""
    unexplained: str = ""
    behind: tuple[Behind, ...] = ()


class ForwardSearch:
    """Follows the forward pass, and repairs one departure after the other."""

    def __init__(
        self,
        both: Both,
        training: bool,
        limit: float,
        kept: Sequence[Candidate],
        more: Sequence[Candidate],
        precision: str,
        apart: Set[str] = frozenset(),
    ) -> None:
        """Get ready.

        Args:
            both: the pair.
            training: search in training mode.
            limit: a smaller relative error is noise.
            kept: what is repaired already.
            more: candidates that the settings of layers and calls do not show.
            precision: "float64" where the models run in it.
            apart: names of layers without a counterpart: from there on the models need
                not agree.
        """
        self._both = both
        self._training = training
        self._limit = limit
        self._kept = list(kept)
        self._precision = precision
        self._apart = apart
        self._bridges: list[Repair] = []
        answers = self._answers([])
        assert answers is not None
        self._slots = steps.aligned(both, answers)
        self._given = {
            pair.keras.order: answers.keras[f"layer/{pair.keras.order}/in"].shape
            for pair in both.pairing.pairs
            if f"layer/{pair.keras.order}/in" in answers.keras
        }
        self._masks = {
            pair.keras.order: answers.keras.get(f"layer/{pair.keras.order}/mask")
            for pair in both.pairing.pairs
        }
        self._candidates = list(self._all(more))

    def run(self, beyond: bool = True) -> Found:
        """Repair until nothing departs, or nothing helps; then go on behind that."""
        departure = self._departure([])
        first = departure.place if departure else ""
        own, departure = self._follow([], departure)
        own = self._needed([], own, departure)
        if departure is None:
            return Found(tuple(own), first)
        place = "" if self._excused(departure) else departure.place
        behind = self._beyond(own, departure) if beyond else []
        return Found(tuple(own), first, place, tuple(behind))

    def _follow(
        self, own: list[Candidate], departure: steps.Departure | None
    ) -> tuple[list[Candidate], steps.Departure | None]:
        """What is repaired, and the first departure for which nothing helps."""
        own = list(own)
        while departure is not None:
            found = self._repair(own, departure)
            if not found:
                break
            own += self._with_alike(own, found)
            departure = self._departure(own)
        return own, departure

    def _beyond(
        self, own: list[Candidate], unexplained: steps.Departure
    ) -> list[Behind]:
        """The causes further on, where both are given what Keras' model has there."""
        every = own
        end: steps.Departure | None = unexplained
        for _ in range(BRIDGES):
            if end is None or not self._cross(every, end):
                break
            every, end = self._follow(every, self._departure(every))
        found = self._needed(own, every[len(own) :], end)
        shares = [self._share(one, [*own, *found]) for one in found]
        return [
            Behind(one, unexplained.place, share)
            for one, share in zip(found, shares, strict=True)
        ]

    def _cross(self, own: list[Candidate], departure: steps.Departure) -> bool:
        """Put Keras' values where the two depart; whether they go on together then."""
        answers = self._answers(own)
        assert answers is not None
        over = bridge.over(self._both, departure, answers)
        if over is None:
            return False
        self._bridges.append(over)
        now = self._departure(own)
        if now is None or now.position > departure.position:
            return True
        self._bridges.pop()
        return False

    def _share(self, one: Candidate, every: list[Candidate]) -> float:
        """Of a step's own error, the part that a repair removes."""
        unit = next(u for u in units(every, self._both.large) if one in u)
        rest = self._departure([other for other in every if other not in unit])
        left = self._departure(every)
        if rest is None:
            return 0.0
        same = left is not None and left.position == rest.position
        error = left.error if left is not None and same else self._limit
        return max(0.0, 1.0 - error / rest.error)

    def _excused(self, departure: steps.Departure) -> bool:
        """Whether a layer without a counterpart comes before it."""
        return any(
            self._position(index) <= departure.index
            for index, slot in enumerate(self._slots)
            if slot.place in self._apart
        )

    def _all(self, more: Sequence[Candidate]) -> Iterable[Candidate]:
        """Every candidate at its place among the steps."""
        both = self._both
        ours, theirs = both.keras_about["settings"], both.torch_about["settings"]
        place = {
            slot.keras["order"]: index
            for index, slot in enumerate(self._slots)
            if slot.is_layer and slot.keras is not None
        }
        names = {p.keras.name: p.keras.order for p in both.pairing.pairs}
        for one in more:
            yield dataclasses.replace(one, slot=place.get(names.get(one.place, -1)))
        for pair in both.pairing.pairs:
            settings = (
                ours.get(str(pair.keras.order), {}),
                theirs.get(str(pair.torch.order), {}),
            )
            slot = place.get(pair.keras.order)
            if slot is None:
                continue
            given = self._given.get(pair.keras.order, ())
            beside = ("slice", 1) if "transpose" in pair.keras.kind else ("pad", -1)
            lone = steps.alone(self._slots, slot, *beside)
            for one in layer_causes.candidates(pair, *settings, given, lone):
                if one.stage == "forward":
                    yield dataclasses.replace(one, slot=slot)
            mask = self._masks.get(pair.keras.order)
            if mask is not None:
                for one in sequence_causes.masked(pair, settings[0], mask):
                    yield dataclasses.replace(one, slot=slot)
        yield from glue_causes.candidates(both, self._slots)

    def _answers(self, own: Sequence[Candidate]) -> Answers | None:
        """A recorded forward pass; None where the repairs do not fit the model."""
        repairs = [*merged([*self._kept, *own]), *self._bridges]
        try:
            return self._both.forward(
                self._precision,
                training=self._training,
                repairs=repairs,
                record="all",
            )
        except UsageError:
            if not (own or self._bridges):
                raise
            return None

    def _departure(self, own: Sequence[Candidate]) -> steps.Departure | None:
        """The first one, outputs last. Repairs that do not fit help nothing."""
        answers = self._answers(own)
        if answers is None:
            return steps.Departure(-1, -1, "", float("inf"))
        # PyTorch may now take other steps; Keras' are the same.
        slots = steps.aligned(self._both, answers)
        inside = steps.departure(self._both, slots, answers, self._limit)
        inside = inside and _numbered(slots, inside)
        apart = measure.worst_output(self._both, answers, self._limit)
        measured = inside is not None and inside.error < float("inf")
        # What departs inside comes together again; if not by itself, it still departs.
        if apart.passed and not (measured and self._bridges):
            return None
        if measured:
            return inside
        last = next((s.place for s in reversed(slots) if s.keras), "the input")
        place = f"after {last}" if inside is None else inside.place
        after = -1 if inside is None else inside.after
        return steps.Departure(_END, after, place, apart.value)

    def _repair(
        self, own: list[Candidate], departure: steps.Departure
    ) -> list[Candidate]:
        """The candidates that let the models run on together; none if none do."""
        left = [
            one
            for one in self._candidates
            if one not in own and self._fits(one, departure)
        ]
        near = [one for one in left if self._is_near(one, departure)]
        if self._bridges:
            left = near  # what is further off cannot show here
        for pool in (near, left):
            for one in pool:
                if self._helps([*own, one], departure):
                    return [one]
        ids = dict.fromkeys(one.id for one in left)
        alike = ([one for one in left if one.id == id] for id in ids)
        for together in (*alike, near):
            if len(together) > 1 and self._helps([*own, *together], departure):
                return self._needed(own, together, self._departure([*own, *together]))
        return []

    def _with_alike(
        self, own: list[Candidate], found: list[Candidate]
    ) -> list[Candidate]:
        """The same difference is likely to be at other layers too: all at once."""
        kinds = {one.kind for one in found}
        left = (one for one in self._candidates if one not in [*own, *found])
        more = [one for one in left if one.kind in kinds]
        if not (more and self._both.large):
            return found
        without = self._departure([*own, *found])
        every = [*found, *more]
        return every if _no_worse(self._departure([*own, *every]), without) else found

    def _fits(self, one: Candidate, departure: steps.Departure) -> bool:
        return departure.error <= one.most

    def _is_near(self, one: Candidate, departure: steps.Departure) -> bool:
        """Between the last place that agrees and the first that does not."""
        if one.slot is None:
            return True
        index = self._position(one.slot)
        return departure.after <= index <= departure.index

    def _position(self, slot: int) -> float:
        """Of a slot among Keras' steps: slots of PyTorch alone stand after those."""
        ours = sum(1 for s in self._slots[: slot + 1] if s.keras is not None)
        return ours - 1 + (0.5 if self._slots[slot].keras is None else 0.0)

    def _helps(self, own: list[Candidate], before: steps.Departure) -> bool:
        """Whether the first departure vanishes, moves on, or all but vanishes."""
        now = self._departure(own)
        if now is None or now.index > before.index:
            return True
        smaller = now.error < (1 - ENOUGH) ** 3 * before.error
        return now.index == before.index and smaller

    def _needed(
        self,
        own: list[Candidate],
        chosen: list[Candidate],
        departure: steps.Departure | None,
    ) -> list[Candidate]:
        """Of several that lead to a departure, those it would be worse without."""
        needed = list(chosen)
        for unit in reversed(units(chosen, self._both.large)):
            rest = [other for other in needed if other not in unit]
            if _no_worse(self._departure([*own, *rest]), departure):
                needed = rest
        return needed


def _no_worse(now: steps.Departure | None, than: steps.Departure | None) -> bool:
    """Whether one departure is as late and as small as another."""
    if now is None or than is None:
        return now is None
    return now.index > than.index or (
        now.index == than.index and now.error <= than.error / (1 - ENOUGH)
    )


_END = 10**9
"""After every step."""


def _numbered(
    slots: Sequence[steps.Slot], departure: steps.Departure
) -> steps.Departure:
    """Counted in Keras' steps, which no repair changes."""

    def count(index: int) -> int:
        return sum(1 for slot in slots[: index + 1] if slot.keras is not None) - 1

    index, after = count(departure.index), count(departure.after)
    return dataclasses.replace(departure, index=index, after=after)
