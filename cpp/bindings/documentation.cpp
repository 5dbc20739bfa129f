// Texts of the docstrings of ufuncs.
#include "documentation.hpp"

#include <cstdio>

namespace simdnn {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string bound(double ulp) { return ulp == 0 ? "exact" : "within " + number(ulp) + " units in the last place"; }

std::string formulas(const Description& info) {
  std::string text = std::string("f(x) = ") + info.formula + "\n";
  if (info.derivative_formula) text += std::string("f'(x) = ") + info.derivative_formula + "\n";
  return text + (info.derivative_formula ? "\nKink and limits: " : "\nLimits: ") + info.kink + ".\n";
}

std::string accuracy(const std::string& of, double ulp) {
  return "\nAccuracy" + of + ": float32 " + bound(ulp) +
         (ulp == 0 ? "" : " (subnormal results within two smallest subnormals)") +
         ", the same bits on every machine.\nACCURACY.md lists the errors that sweeps over all inputs found. "
         "float16 is correctly rounded.\n";
}

std::string arguments(const Description& info, bool with_dy) {
  std::string text = "\nParameters\n----------\n";
  if (with_dy) text += "dy : array_like\n    Gradient w.r.t. f(x); it broadcasts with x.\n";
  text +=
      "x : array_like of real numbers, any shape\n"
      "    float16, float32 and float64 keep their dtype; integers become floating point as in numpy.exp.\n";
  for (int i = 0; i < info.parameter_count(); ++i) {
    const ActivationParameter& parameter = info.parameters[i];
    text += std::string(parameter.name) + " : array_like, default " + number(parameter.value) +
            "\n    It broadcasts with x.\n";
  }
  return text +
         "out, where, dtype, casting, order : optional\n"
         "    As for every numpy.ufunc.\n"
         "\nReturns\n-------\narray or scalar of the broadcast shape and the dtype of x\n"
         "\nRaises\n------\nTypeError\n    If an argument is not made of real numbers.\n"
         "ValueError\n    If shapes do not broadcast.\n";
}

std::string source(const Description& info) { return std::string("\nSource: ") + info.source + "."; }

}  // namespace

std::string value_doc(const Description& info) {
  return std::string(info.summary) + "\n\n" + formulas(info) + accuracy("", info.value_ulp) + arguments(info, false) +
         "\nExamples\n--------\n>>> import simdnn.functional as F\n>>> " + info.example + "\n" + info.example_value +
         "\n" + source(info);
}

std::string derivative_doc(const Description& info) {
  return std::string("Derivative f'(x) of ") + info.name + ".\n\n" + formulas(info) +
         accuracy(" of f'", info.derivative_ulp) + arguments(info, false) + source(info);
}

std::string backward_doc(const Description& info) {
  return std::string("Gradient w.r.t. x through ") + info.name + ": dx = dy f'(x).\n\n" + formulas(info) +
         accuracy(" of f'", info.derivative_ulp) + arguments(info, true) + source(info);
}

std::string parameter_doc(const Description& info) {
  return std::string("Contribution of each element to the gradient w.r.t. ") + info.parameters[0].name + " through " +
         info.name + ".\n\n" + formulas(info) + arguments(info, true) + source(info);
}

}  // namespace simdnn
