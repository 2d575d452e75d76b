"""Every lesson in Keras on TensorFlow.

    python -m tf_track xor_mlp

Importing this package does not import TensorFlow; its modules do.
"""

NAME = "tf"
FRAMEWORK = "Keras on TensorFlow"
REQUIRES = ("tensorflow", "keras")
INSTALL = "pip install tensorflow"
