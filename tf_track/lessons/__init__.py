"""The lessons in Keras on TensorFlow, one file each; the same names as in torch_track."""
