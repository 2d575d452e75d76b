"""The ladder: spec, weights, forward, gradient, step, trajectory, score."""
