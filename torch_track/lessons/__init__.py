"""The lessons in PyTorch, one file each; the same names as in tf_track."""
