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

std::string formulas(const Description& about) {
  std::string text = std::string("f(x) = ") + about.formula + "\n";
  if (about.derivative_formula) text += std::string("f'(x) = ") + about.derivative_formula + "\n";
  return text + (about.derivative_formula ? "\nKink and limits: " : "\nLimits: ") + about.kink + ".\n";
}

std::string accuracy(const std::string& of, double ulp) {
  return "\nAccuracy" + of + ": float32 " + bound(ulp) + (ulp == 0 ? "" : " (subnormal results within two quanta)") +
         ", the same bits on every machine;\nACCURACY.md of the source lists what sweeps over all inputs found. "
         "float16 is "
         "correctly rounded.\n";
}

std::string arguments(const Description& about, bool with_dy) {
  std::string text = "\nParameters\n----------\n";
  if (with_dy) text += "dy : array_like\n    Gradient with respect to f(x); broadcasts with x.\n";
  text +=
      "x : array_like of real numbers, any shape\n"
      "    float16, float32 and float64 stay what they are; integers become floating point as in numpy.exp.\n";
  for (int i = 0; i < about.parameter_count(); ++i) {
    const Parameter& parameter = about.parameters[i];
    text += std::string(parameter.name) + " : array_like, default " + number(parameter.value) +
            "\n    Broadcasts with x.\n";
  }
  return text +
         "out, where, dtype, casting, order : optional\n"
         "    As for every numpy.ufunc.\n"
         "\nReturns\n-------\narray or scalar of the broadcast shape and the dtype of x\n"
         "\nRaises\n------\nTypeError\n    If an argument is not made of real numbers.\n"
         "ValueError\n    If shapes do not broadcast.\n";
}

std::string source(const Description& about) { return std::string("\nSource: ") + about.source + "."; }

}  // namespace

std::string value_doc(const Description& about) {
  return std::string(about.summary) + "\n\n" + formulas(about) + accuracy("", about.value_ulp) +
         arguments(about, false) + "\nExamples\n--------\n>>> import simdnn.functional as F\n>>> " + about.example +
         "\n" + about.example_value + "\n" + source(about);
}

std::string derivative_doc(const Description& about) {
  return std::string("Derivative f'(x) of ") + about.name + ".\n\n" + formulas(about) +
         accuracy(" of f'", about.derivative_ulp) + arguments(about, false) + source(about);
}

std::string backward_doc(const Description& about) {
  return std::string("Gradient dy f'(x) through ") + about.name + ".\n\n" + formulas(about) +
         accuracy(" of f'", about.derivative_ulp) + arguments(about, true) + source(about);
}

std::string parameter_doc(const Description& about) {
  return std::string("What each element adds to the gradient of ") + about.parameters[0].name + " through " +
         about.name + ".\n\n" + formulas(about) + arguments(about, true) + source(about);
}

}  // namespace simdnn
