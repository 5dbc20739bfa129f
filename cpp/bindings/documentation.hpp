// Docstrings of ufuncs, written from the descriptions of their operations.
#pragma once

#include <string>

#include "../base/descriptions.hpp"

namespace simdnn {

/// Docstring of the ufunc f(x, parameters...).
std::string value_doc(const Description& info);
/// Docstring of the ufunc f'(x, parameters...).
std::string derivative_doc(const Description& info);
/// Docstring of the ufunc dy f'(x) with arguments (dy, x, parameters...).
std::string backward_doc(const Description& info);
/// Docstring of the ufunc dy df / d parameter with arguments (dy, x, parameters...).
std::string parameter_doc(const Description& info);

}  // namespace simdnn
