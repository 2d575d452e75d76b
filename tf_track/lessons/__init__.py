"""The lessons in Keras on TensorFlow; the same names as in torch_track.

TensorFlow is loaded here, quietly, before a lesson imports it.
"""

from tf_track import backend as backend
