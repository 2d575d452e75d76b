"""Every lesson in Keras on TensorFlow.

    python -m tf_track xor_mlp

Importing this package does not import TensorFlow; its modules do.
"""

import os

# Read once, when TensorFlow loads, which any module here may be the first to do. Only
# errors are worth a learner's attention; oneDNN's blocked sums would differ from batch
# size to batch size, and its convolutions corrupt memory on some processors.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

NAME = "tf"
FRAMEWORK = "Keras on TensorFlow"
REQUIRES = ("tensorflow", "keras")
INSTALL = "pip install tensorflow"
