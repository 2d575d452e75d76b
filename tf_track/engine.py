"""The training loop, once for all lessons.

    history = engine.fit(model, x, y, epochs=5, batch_size=32)

is `model.fit(x, y, epochs=5, batch_size=32)` and `engine.loop(step, ...)` the plain
loop

    for epoch in range(epochs):
        for batch in tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size):
            step(*batch)

both run as TensorFlow graphs of many steps (tf_track/compiled.py), with the data kept
on the device and the losses collected there. In matched mode the order of the samples
and the dropout masks come from shared.randomness.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.session import History, Schedule, Session, current
from tf_track import backend, compiled, idiom, matched, weights
from tf_track.examine import examine
from tf_track.loops import Step, Training


def fit(
    model: keras.Model,
    x: NDArray,
    y: NDArray,
    *,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
) -> History:
    """What `model.fit` computes for a compiled model; `loop` tells the arguments."""
    session = current()
    if idiom.asked_for(session):
        schedule = session.schedule(len(x), epochs, batch_size, shuffle)
        return idiom.fit(model, x, y, schedule, session)

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            prediction = model(x, training=True)
            loss = model.compute_loss(x, y, prediction, training=True)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
        return loss

    return loop(
        step,
        model,
        model.optimizer,
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
    )


def loop(
    step: Step,
    model: weights.Model,
    optimizer: keras.optimizers.Optimizer | None,
    x: NDArray,
    y: NDArray,
    *,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = False,
) -> History:
    """Run `step` over every batch of every epoch.

    Args:
        step: takes a batch (x, y), updates the model and returns the loss; without
            an optimizer it may return (loss, gradients by parameter name).
        model: the model, or the named raw variables, that the step trains.
        optimizer: the optimizer that the step uses; None for an update by hand.
        x, y: the training data, samples first.
        epochs: how often each sample is seen.
        batch_size: samples a step; None takes all of them in every step.
        shuffle: a new order every epoch.
    """
    session = current()
    schedule = session.schedule(len(x), epochs, batch_size, shuffle)
    note_settings(session, model, optimizer)
    if idiom.asked_for(session):
        return idiom.fit(idiom.Stepping(step), x, y, schedule, session)
    same_rule(optimizer)
    if optimizer is not None:
        optimizer.build(list(weights.named(model).values()))
    clock = matched.Clock()
    if session.matched:
        clock = matched.feed_masks(model, session.seed)
    if session.examine:
        first = _order(session, schedule, 0)[: schedule.size].numpy()
        batch = backend.tensor(x[first]), backend.tensor(y[first])
        examine(step, model, optimizer, *batch, session)
        return History(np.zeros(0), np.zeros(0, np.int64), schedule.steps_per_epoch)
    return _train(Training(step, model, optimizer, x, y, schedule, session, clock))


def same_rule(optimizer: keras.optimizers.Optimizer | None) -> None:
    """In matched mode, let the optimizer compute what the other track's does.

    `loop` does it for the optimizer it is given; this is for a loop of one's own.
    """
    if current().matched:
        matched.follow_keras(optimizer)


def note_settings(
    session: Session,
    model: weights.Model,
    optimizer: keras.optimizers.Optimizer | None,
) -> None:
    """Note what the lesson really uses, for the ladder's first level."""
    session.settings["optimizer"] = matched.settings(optimizer)
    rates = {n: layer.rate for n, layer in matched.dropouts(model).items()}
    session.settings["dropout"] = rates


def _order(session: Session, schedule: Schedule, epoch: int) -> tf.Tensor:
    if session.matched or not schedule.shuffle:
        return backend.tensor(session.order(schedule, epoch))
    return tf.random.shuffle(tf.range(schedule.samples, dtype=tf.int64))


def _train(training: Training) -> History:
    session, schedule = training.session, training.schedule
    losses: list[NDArray[Any]] = []
    snapshots = {}
    order, ordered = tf.range(schedule.samples, dtype=tf.int64), -1
    with compiled.running(training) as running:
        for epoch, first, last in schedule.spans():
            if schedule.size < schedule.samples and epoch != ordered:
                order, ordered = _order(session, schedule, epoch), epoch
            losses.append(running.run(first, last, order))
            if session.keep_snapshots and last in schedule.stops():
                snapshots[last] = weights.export(running.training.model)
            session.report(schedule, last, losses)
            if session.over(losses):
                break
    loss = np.concatenate(losses)
    sizes = schedule.batch_sizes()[: len(loss)]
    session.history = History(loss, sizes, schedule.steps_per_epoch, snapshots)
    return session.history
