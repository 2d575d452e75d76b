"""Every lesson in PyTorch.

    python -m torch_track xor_mlp

Importing this package does not import torch; its modules do.
"""

NAME = "torch"
FRAMEWORK = "PyTorch"
REQUIRES = ("torch",)
INSTALL = "pip install torch"
