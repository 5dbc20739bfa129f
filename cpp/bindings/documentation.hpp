// The docstrings of ufuncs, from their descriptions.
#pragma once

#include <string>

#include "../base/descriptions.hpp"

namespace simdnn {

/// f(x, parameters...).
std::string value_doc(const Description& info);
/// f'(x, parameters...).
std::string derivative_doc(const Description& info);
/// dy f'(x), of (dy, x, parameters...).
std::string backward_doc(const Description& info);
/// dy df / d parameter element by element, of (dy, x, parameters...).
std::string parameter_doc(const Description& info);

}  // namespace simdnn
