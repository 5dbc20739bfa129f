// The types of numbers that networks compute with.
#pragma once

/// Instantiates a class template for float and double.
#define SIMDNN_INSTANTIATE(Template) \
  template class Template<float>;    \
  template class Template<double>
