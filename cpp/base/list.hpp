// A list of types, the form of every registry, and a table with an entry for each type.
#pragma once

namespace simdnn {

template <class... Items>
struct List {};

/// Entries in the order of a list.
template <class Entry, int kCount>
struct Table {
  static constexpr int count = kCount;
  Entry entries[kCount];
};

/// make(List<Item>{}) for each item of a list.
template <class Entry, class... Item, class Make>
consteval Table<Entry, int(sizeof...(Item))> table_of(List<Item...>, const Make& make) {
  return {{make(List<Item>{})...}};
}

}  // namespace simdnn
