// The search of a registry by name.
#pragma once

#include <stdexcept>
#include <string>

namespace simdnn {

/// The index of the entry whose name is `name`, where name_of(i) is the name of entry i. Throws std::invalid_argument,
/// which names the `kind` of entry and all names, if there is none.
template <class NameOf>
int find_by_name(const char* kind, const std::string& name, int count, const NameOf& name_of) {
  for (int i = 0; i < count; ++i) {
    if (name == name_of(i)) return i;
  }
  std::string known;
  for (int i = 0; i < count; ++i) known += (i > 0 ? ", " : "") + std::string(name_of(i));
  throw std::invalid_argument(std::string(kind) + ": '" + name + "' is not known; known: " + known);
}

}  // namespace simdnn
