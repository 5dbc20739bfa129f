"""``python -m tests.tools.scratch TREE``: adds operations to a tree by the recipes of CONTRIBUTING.md."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """Text to insert into a file before the last occurrence of other text; no other text is a new file."""

    path: str
    before: str
    text: str

    def applied(self, content: str) -> str:
        """The content of the file with the text."""
        if not self.before:
            return self.text
        head, mark, tail = content.rpartition(self.before)
        if not mark:
            raise LookupError(f"{self.path} has no {self.before!r}")
        return head + self.text + mark + tail


ACTIVATION = (
    Edit(
        "cpp/ops/piecewise.hpp",
        "SIMDNN_LEVEL_END",
        """struct Scratch {
  static constexpr Description info{
      .name = "scratch",
      .summary = "Rectifier that halves negative numbers.",
      .formula = "x if x > 0 else x / 2",
      .derivative_formula = "1 if x > 0 else 1 / 2",
      .kink = "f'(0) = 1 / 2; f'(-inf) = 1 / 2, f'(+inf) = 1",
      .source = "definition",
      .example = "F.scratch([-2.0, 0.0, 2.0])",
      .example_value = "array([-1.,  0.,  2.])",
      .reads = Reads::input,
      .value_ulp = 0.5,
      .derivative_ulp = 0,
      .cost = 0.05,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return x > 0 ? x : T(0.5) * x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    const T below = x <= 0 ? T(0.5) : x;
    return x > 0 ? T(1) : below;
  }
};

""",
    ),
    Edit("cpp/ops/activations.hpp", ">;", ", Scratch"),
    Edit(
        "tests/oracles/elementwise.py",
        '    "sigmoid": Activation(',
        """    "scratch": Activation(
        value=lambda m, x: m.where(x > 0, x, x / 2),
        derivative=lambda m, x: m.where(x > 0, 1 + 0 * x, (1 + 0 * x) / 2),
        limits=(-INF, INF, 0.5, 1),
        slope_at_zero=lambda: 0.5,
    ),
""",
    ),
    Edit(
        "python/simdnn/onnx/_activations.py",
        '    "sigmoid": ',
        '    "scratch": operator("LeakyRelu", alpha=0.5),\n',
    ),
)

POINTWISE_LOSS = (
    Edit(
        "cpp/ops/pointwise_losses.hpp",
        "SIMDNN_LEVEL_END",
        """/// (x - y)^2 / 2.
struct ScratchLoss {
  static constexpr LossDescription info{
      .name = "scratch_error",
      .summary = "Half the squared error.",
      .formula = "(x - y)^2 / 2",
      .source = "definition",
      .target = Target::values,
      .function = "scratch_error_loss",
      .example = "[1.0, 2.0], [1.0, 4.0]",
      .example_value = "1.0",
      .outputs = Outputs::averaged,
  };
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    const double d = x - y;
    return {0.5 * (d * d), d};
  }
};

""",
    ),
    Edit("cpp/loops/losses.hpp", ">;", ", ScratchLoss"),
    Edit(
        "tests/oracles/losses.py",
        '    "l1": Loss(',
        """    "scratch_error": Loss(
        each=lambda x, y: (x - y) ** 2 / 2,
        slope=lambda x, y: x - y,
        target=any_values,
    ),
""",
    ),
)

OPTIMIZER = (
    Edit(
        "cpp/ops/rules/descent.hpp",
        "SIMDNN_LEVEL_END",
        """/// Steps of one size against the sign of the gradient.
struct ScratchRule {
  static constexpr RuleDescription info{
      .name = "scratch",
      .formula = "p -= lr sign(g + weight_decay p)",
      .source = "Riedmiller & Braun 1993",
      .slots = {},
      .hypers = {learning_rate(1e-3), weight_decay(), decoupled_weight_decay()},
      .counts = false,
  };
  template <class T>
  struct Step {
    T rate;
    explicit Step(const UpdateStep& s) : rate(T(-s.hypers[kLr])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const*, Index) const { p = fma(rate, sign(g), p); }
  };
};

""",
    ),
    Edit("cpp/ops/optimizers.hpp", ">;", ", ScratchRule"),
    Edit(
        "tests/oracles/rules.py",
        "def momentum(\n",
        '''def scratch(g: Array, state: State, t: int, lr: float) -> Array:
    """Riedmiller & Braun 1993, with steps of one size."""
    return lr * np.sign(g)


''',
    ),
    Edit(
        "tests/oracles/rules.py",
        '    "momentum": Rule(',
        """    "scratch": Rule(
        scratch,
        [(optim.Scratch, {"lr": 1e-3}), (optim.Scratch, {"lr": 1e-3, "weight_decay": 0.1})],
        {optim.Scratch: {"lr": schedules.linear(3e-3, 0.0, 8000)}},
    ),
""",
    ),
    Edit(
        "python/simdnn/optim/_descent.py",
        "class Lion(Optimizer):",
        '''class Scratch(Optimizer):
    """Steps of one size against the sign of the gradient.

    p -= lr * sign(g) with g += weight_decay * p.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Scratch([p], lr=0.5).step([[3.0, -0.1]])
    >>> p
    array([0.5, 2.5])

    Source: Riedmiller & Braun 1993, "A direct adaptive method for faster backpropagation learning".
    """

    _rules = ("scratch",)
    _positional = ("weight_decay",)


''',
    ),
    Edit("bench/cases/optimizer.py", '    "momentum": Rule(', '    "scratch": Rule("Scratch"),\n'),
)

LAYER = (
    Edit(
        "cpp/net/layers/scratch.hpp",
        "",
        """// Twice the input.
#pragma once

#include "function_layer.hpp"

namespace simdnn {

template <class T>
class ScratchLayer;

struct ScratchSpec final : SpecFor<ScratchSpec, ScratchLayer> {
  static constexpr const char* kind = "scratch";
};

template <class T>
class ScratchLayer final : public FunctionLayer<T> {
 public:
  ScratchLayer(const ScratchSpec& spec, ParameterBinder<T>&) : FunctionLayer<T>(spec) {}

 private:
  void compute(const Matrix<const T>& x, const Matrix<T>& y) const override {
    typed_kernels<T>().layers.scratch(x.data, x.stride, x.rows, x.columns, y.data, y.stride);
  }
  void differentiate(const Matrix<const T>& x, const Matrix<const T>& dy,
                     const Matrix<T>& dx) const override {
    typed_kernels<T>().layers.scratch(dy.data, dy.stride, x.rows, x.columns, dx.data, dx.stride);
  }
};

}  // namespace simdnn
""",
    ),
    Edit("cpp/net/layers.hpp", '#include "layers/softmax.hpp"', '#include "layers/scratch.hpp"\n'),
    Edit("cpp/net/layers.hpp", ">;", ", ScratchSpec"),
    Edit(
        "cpp/loops/scratch.hpp",
        "",
        """// Twice the input, over rows.
#pragma once

#include "map.hpp"

SIMDNN_LEVEL_BEGIN

/// y = 2 x.
template <class T>
void scratch(const T* x, Index x_stride, Index rows, Index columns, T* y, Index y_stride) {
  for (Index i = 0; i < rows; ++i, x += x_stride, y += y_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) y[j] = 2 * x[j];
  }
}

SIMDNN_LEVEL_END
""",
    ),
    Edit(
        "cpp/kernels.hpp",
        "  void (*crelu)(",
        "  void (*scratch)(const T* x, Index x_stride, Index rows, Index columns, T* y, Index y_stride);\n",
    ),
    Edit("cpp/kernels/layers.cpp", '#include "part.hpp"', '#include "../loops/scratch.hpp"\n'),
    Edit("cpp/kernels/layers.cpp", "    .crelu = ", "    .scratch = scratch<T>,\n"),
    Edit("python/simdnn/nn/_groups.py", '"Softmax"]', '"ScratchLayer", '),
    Edit(
        "python/simdnn/nn/_groups.py",
        "class Softmax(Layer):",
        '''class ScratchLayer(Layer):
    """Twice the input.

    Source: definition.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.ScratchLayer()
    ScratchLayer()
    """

    _kind = "scratch"


''',
    ),
    Edit(
        "tests/oracles/layers.py",
        '    "softmax": Row(',
        '    "scratch": Row(nn.ScratchLayer(), lambda x, _: 2 * x, in_onnx=False, in_c=False),\n',
    ),
)

#: The names of the operations; bits are recorded by name for activations and losses together.
NAMES = {
    "activation": "scratch",
    "pointwise loss": "scratch_error",
    "optimizer": "scratch",
    "layer": "scratch",
}
#: The edits that add them.
EDITS = {
    "activation": ACTIVATION,
    "pointwise loss": POINTWISE_LOSS,
    "optimizer": OPTIMIZER,
    "layer": LAYER,
}


def main(arguments: list[str]) -> None:
    """Adds the operations to a tree."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.scratch", description=__doc__)
    parser.add_argument("tree", type=Path, help="the top folder of a copy of the project")
    parser.add_argument("kinds", nargs="*", metavar="kind", help=f"some of {', '.join(EDITS)}; default all")
    given = parser.parse_args(arguments)
    for kind in given.kinds or EDITS:
        for edit in EDITS[kind]:
            path = given.tree / edit.path
            path.write_text(edit.applied(path.read_text() if edit.before else ""))
            print(f"{kind}: {edit.path}")


if __name__ == "__main__":
    main(sys.argv[1:])
