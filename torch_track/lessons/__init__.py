"""The lessons in PyTorch; the same names as in tf_track."""
