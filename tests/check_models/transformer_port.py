"""The weights of the encoder; PyTorch packs query, key and value into one tensor."""

from __future__ import annotations

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def put(tensor: torch.Tensor, array: NDArray) -> None:
    tensor.copy_(torch.tensor(np.asarray(array)))


@torch.no_grad()
def port(model: keras.Model, module: nn.Module) -> None:
    put(module.embedding.weight, model.embedding.get_weights()[0])
    put(module.position, model.position)
    block, theirs = model.block, module.block
    *projections, kernel, bias = block.attention.get_weights()
    kernels, biases = projections[::2], projections[1::2]
    put(
        theirs.attention.in_proj_weight,
        np.concatenate([k.reshape(8, 8).T for k in kernels]),
    )
    put(
        theirs.attention.in_proj_bias,
        np.concatenate([b.reshape(8) for b in biases]),
    )
    put(theirs.attention.out_proj.weight, kernel.reshape(8, 8).T)
    put(theirs.attention.out_proj.bias, bias)
    for norm, own in ((block.norm_1, theirs.norm1), (block.norm_2, theirs.norm2)):
        put(own.weight, norm.get_weights()[0])
        put(own.bias, norm.get_weights()[1])
    for dense, own in (
        (block.dense_1, theirs.linear1),
        (block.dense_2, theirs.linear2),
        (model.head, module.head),
    ):
        put(own.weight, dense.get_weights()[0].T)
        put(own.bias, dense.get_weights()[1])
