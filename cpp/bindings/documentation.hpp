// The docstrings of ufuncs, from their descriptions.
#pragma once

#include <string>

#include "../base/descriptions.hpp"

namespace simdnn {

/// f(x, parameters...).
std::string value_doc(const Description& about);
/// f'(x, parameters...).
std::string derivative_doc(const Description& about);
/// dy f'(x), of (dy, x, parameters...).
std::string backward_doc(const Description& about);
/// dy df / d parameter element by element, of (dy, x, parameters...).
std::string parameter_doc(const Description& about);

}  // namespace simdnn
