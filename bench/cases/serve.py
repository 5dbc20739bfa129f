"""Predictions of one sample, and of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn.demo import _numpy_mlp

from bench import peers
from bench.harness import BEST, OURS, Case, Contestant
from bench.peers import training
from bench.problems import Network, Problem, make_model, make_problem

NETWORKS = (Network((8, 64, 64, 4), 32, 2), Network((784, 128, 10), 64, 2))


def cases() -> Iterator[Case]:
    """A row per network and number of samples."""
    for network in NETWORKS:
        yield Case("one sample", network.shape(), functools.partial(_contestants, network, 1))
    for network in NETWORKS:
        yield Case("1024 samples", network.shape(), functools.partial(_contestants, network, 1024), (BEST,))


def _contestants(network: Network, count: int) -> Iterator[Contestant]:
    problem = make_problem(network._replace(batches=-(-count // network.batch_size)))
    sample = problem.x[:count]
    expected = _numpy_mlp.NumpyMLP(problem.parameters, dtype=np.float64).forward(sample)

    def checked(name: str, run: Callable[[], Any], **settings: Any) -> Contestant:
        def check() -> None:
            np.testing.assert_allclose(np.asarray(run()), expected, rtol=1e-4, atol=1e-5)

        return Contestant(name, run, check, **settings)

    predictor, out = make_model(problem).freeze(), np.empty_like(expected, dtype=np.float32)

    def predict() -> NDArray[np.float32]:
        predictor.predict(sample, out)
        return out

    yield checked(OURS, predict)
    yield checked("NumPy", functools.partial(_numpy_mlp.NumpyMLP(problem.parameters).forward, sample))
    if peers.is_installed("onnxruntime") and peers.is_installed("onnx"):
        session = onnx_session(problem)
        yield checked("onnxruntime", lambda: session.run(None, {"x": sample})[0])
    if torch := peers.torch():
        model = training.torch_model(torch, problem.parameters).eval()
        yield checked(
            "PyTorch", functools.partial(model, torch.from_numpy(sample)), context=torch.inference_mode
        )


def onnx_session(problem: Problem) -> Any:
    """The network as an onnxruntime session on the CPU."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes = []
    last = len(problem.widths) - 2
    for index in range(last + 1):
        result = "y" if index == last else f"{index}.sum"
        source = f"{index - 1}.relu" if index else "x"
        nodes.append(helper.make_node("Gemm", [source, f"{index}.weight", f"{index}.bias"], [result]))
        if index < last:
            nodes.append(helper.make_node("Relu", [result], [f"{index}.relu"]))
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", problem.widths[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", problem.widths[-1]])],
        [numpy_helper.from_array(value, name) for name, value in problem.parameters.items()],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = peers.threads()
    options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
