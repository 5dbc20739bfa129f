"""Elementwise functions as PyTorch's own kernels, without autograd, with ``out=`` where they have it.

A function without an entry here is that of ``torch.nn.functional``, if its name is there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from bench.peers.elementwise_numpy import SELU_ALPHA, SELU_SCALE, Functions
from tests.support.registry import named_alike


def functions_of(torch: Any, name: str) -> Functions | None:
    """The function of that name as its kernels, else with autograd; None if PyTorch does not have it."""
    return torch_functions(torch).get(name) or _by_name(torch, name)


def _by_name(torch: Any, name: str) -> Functions | None:
    """The function of ``torch.nn.functional``, and its gradient by autograd; neither takes ``out=``."""
    function = named_alike(torch.nn.functional, name)
    if function is None:
        return None

    def backward(dy: Any, x: Any, y: Any, out: Any) -> Any:
        with torch.inference_mode(False):
            leaf = x.detach().requires_grad_()
            return torch.autograd.grad(function(leaf), leaf, dy)[0]

    return Functions(lambda x, y, out: function(x), backward)


def torch_functions(torch: Any) -> dict[str, Functions]:
    """Kernels by the names of the registry, at default parameters.

    All libraries are given dy and x; a derivative that reads y computes it first.
    """
    return {
        **_elementary(torch),
        **_piecewise(torch),
        **_exponential(torch),
        **_gated(torch),
    }


def _elementary(torch: Any) -> dict[str, Functions]:
    return {
        "exp": Functions(lambda x, y, out: torch.exp(x, out=out)),
        "expm1": Functions(lambda x, y, out: torch.expm1(x, out=out)),
        "log": Functions(lambda x, y, out: torch.log(x, out=out)),
        "log1p": Functions(lambda x, y, out: torch.log1p(x, out=out)),
    }


def _piecewise(torch: Any) -> dict[str, Functions]:
    nn, aten = torch._C._nn, torch.ops.aten
    relu_backward = aten.threshold_backward.grad_input
    leaky_relu_backward = aten.leaky_relu_backward.grad_input
    hardtanh_backward = aten.hardtanh_backward.grad_input
    hardsigmoid_backward = aten.hardsigmoid_backward.grad_input
    hardswish_backward = aten.hardswish_backward.default  # the variant .out only copies this result
    return {
        "identity": Functions(lambda x, y, out: out.copy_(x), lambda dy, x, y, out: out.copy_(dy)),
        "relu": Functions(
            lambda x, y, out: torch.clamp_min(x, 0, out=out),
            lambda dy, x, y, out: relu_backward(dy, x, 0, grad_input=out),
        ),
        "leaky_relu": Functions(
            lambda x, y, out: nn.leaky_relu(x, 0.01, out=out),
            lambda dy, x, y, out: leaky_relu_backward(dy, x, 0.01, False, grad_input=out),
        ),
        "prelu": _prelu(torch),
        "relu6": Functions(
            lambda x, y, out: torch.clamp(x, 0, 6, out=out),
            lambda dy, x, y, out: hardtanh_backward(dy, x, 0, 6, grad_input=out),
        ),
        "hard_tanh": Functions(
            lambda x, y, out: nn.hardtanh(x, -1, 1, out=out),
            lambda dy, x, y, out: hardtanh_backward(dy, x, -1, 1, grad_input=out),
        ),
        "hard_sigmoid": Functions(
            lambda x, y, out: nn.hardsigmoid(x, out=out),
            lambda dy, x, y, out: hardsigmoid_backward(dy, x, grad_input=out),
        ),
        "hard_swish": Functions(
            lambda x, y, out: nn.hardswish(x, out=out),
            lambda dy, x, y, out: hardswish_backward(dy, x),
        ),
        "softsign": Functions(
            lambda x, y, out: torch.div(x, torch.abs(x, out=out).add_(1), out=out),
            lambda dy, x, y, out: torch.div(dy, torch.abs(x, out=out).add_(1).square_(), out=out),
        ),
        "binary_step": Functions(
            lambda x, y, out: torch.ge(x, 0, out=out),
            lambda dy, x, y, out: out.zero_(),
        ),
    }


def _prelu(torch: Any) -> Functions:
    """prelu, whose kernels have no ``out=``; the weight's gradient is summed separately."""
    weight = torch.tensor(0.25)
    prelu, prelu_backward = torch._prelu_kernel, torch.ops.aten._prelu_kernel_backward

    def backward(dy: Any, x: Any, y: Any, out: Any) -> Any:
        dx, weight_terms = prelu_backward(dy, x, weight)
        weight_terms.sum()
        return dx

    return Functions(lambda x, y, out: prelu(x, weight), backward)


def _exponential(torch: Any) -> dict[str, Functions]:
    nn, aten = torch._C._nn, torch.ops.aten
    sigmoid_backward = aten.sigmoid_backward.grad_input
    tanh_backward = aten.tanh_backward.grad_input
    elu_backward = aten.elu_backward.grad_input
    softplus_backward = aten.softplus_backward.grad_input
    elu = Functions(
        lambda x, y, out: nn.elu(x, 1, 1, 1, out=out),
        lambda dy, x, y, out: elu_backward(dy, 1, 1, 1, False, x, grad_input=out),
    )
    return {
        "sigmoid": Functions(
            lambda x, y, out: torch.sigmoid(x, out=out),
            lambda dy, x, y, out: sigmoid_backward(dy, torch.sigmoid(x, out=y), grad_input=out),
        ),
        "tanh": Functions(
            lambda x, y, out: torch.tanh(x, out=out),
            lambda dy, x, y, out: tanh_backward(dy, torch.tanh(x, out=y), grad_input=out),
        ),
        "elu": elu,
        "selu": Functions(
            lambda x, y, out: nn.elu(x, SELU_ALPHA, SELU_SCALE, 1, out=out),
            lambda dy, x, y, out: elu_backward(dy, SELU_ALPHA, SELU_SCALE, 1, False, x, grad_input=out),
        ),
        "celu": elu,  # equal at alpha = 1; celu calls it
        "softplus": Functions(
            lambda x, y, out: nn.softplus(x, 1, 20, out=out),
            lambda dy, x, y, out: softplus_backward(dy, x, 1, 20, grad_input=out),
        ),
        "log_sigmoid": Functions(
            _log_sigmoid(torch),
            # The kernel of log_sigmoid, which reads a buffer exp(-|x|), takes twice as long.
            lambda dy, x, y, out: torch.neg(x, out=out).sigmoid_().mul_(dy),
        ),
    }


def _log_sigmoid(torch: Any) -> Callable[[Any, Any, Any], Any]:
    """log_sigmoid, which fills a buffer: an existing one if that is faster than letting PyTorch make one."""
    nn, with_buffer = torch._C._nn, torch.ops.aten.log_sigmoid_forward.output

    def forward(x: Any, y: Any, out: Any) -> Any:
        if x.numel() > 1_000_000:
            return with_buffer(x, output=out, buffer=y)
        return nn.log_sigmoid(x, out=out)

    return forward


def _gated(torch: Any) -> dict[str, Functions]:
    nn, aten = torch._C._nn, torch.ops.aten
    silu_backward = aten.silu_backward.grad_input
    mish_backward = aten.mish_backward.default  # it has no ``out=``
    silu = Functions(
        lambda x, y, out: nn.silu(x, out=out),
        lambda dy, x, y, out: silu_backward(dy, x, grad_input=out),
    )
    return {
        "silu": silu,
        "swish": silu,  # equal at beta = 1
        "mish": Functions(
            lambda x, y, out: nn.mish(x, out=out),
            lambda dy, x, y, out: mish_backward(dy, x),
        ),
        "gelu": _gelu(torch, "none"),
        "gelu_tanh": _gelu(torch, "tanh"),
    }


def _gelu(torch: Any, approximate: str) -> Functions:
    gelu = functools.partial(torch._C._nn.gelu, approximate=approximate)
    gelu_backward = functools.partial(torch.ops.aten.gelu_backward.grad_input, approximate=approximate)
    return Functions(
        lambda x, y, out: gelu(x, out=out),
        lambda dy, x, y, out: gelu_backward(dy, x, grad_input=out),
    )
