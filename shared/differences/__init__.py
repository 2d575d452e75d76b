"""Where Keras and PyTorch differ: each difference shown, sized and repaired.

    twotrack differences batch_norm_epsilon

runs the function of that name in `tf_track/differences/` and `torch_track/differences/`
on the same input, and compares what comes out before and after the remedy. Nothing is
copied from a table: a release that changes a default changes what is shown, and its
test fails.
"""
