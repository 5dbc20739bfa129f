#include "layers.hpp"

#include <pybind11/stl.h>

#include "../net/layers.hpp"
#include "schedules.hpp"

namespace simdnn {

namespace py = pybind11;

namespace {

template <class Spec>
std::shared_ptr<Spec> read_spec(const py::handle& given, const std::string& where);

SpecPointer read_any_spec(const py::handle& given, const std::string& where);

class FieldReader;

/// A type that declares fields: a layer, or a part of one.
template <class V>
concept HasFields = requires(V& value, FieldReader& reader) { value.fields(reader); };

[[noreturn]] void reject(const std::string& where, const char* wanted, const py::handle& given) {
  throw py::type_error(where + ": expected " + wanted + ", got " + Py_TYPE(given.ptr())->tp_name);
}

py::dict as_dict(const py::handle& given, const std::string& where) {
  if (!py::isinstance<py::dict>(given)) reject(where, "a dict", given);
  return py::reinterpret_borrow<py::dict>(given);
}

template <class V>
void read_plain(V& value, const py::handle& given, const std::string& where, const char* wanted) {
  try {
    value = given.cast<V>();
  } catch (const py::cast_error&) {
    reject(where, wanted, given);
  }
}

// Each read() takes a value from Python; `where` names the layer and the field, for errors.
void read(bool& value, const py::handle& given, const std::string& where) { read_plain(value, given, where, "a bool"); }
void read(int& value, const py::handle& given, const std::string& where) {
  read_plain(value, given, where, "an integer");
}
void read(Index& value, const py::handle& given, const std::string& where) {
  read_plain(value, given, where, "an integer");
}
void read(double& value, const py::handle& given, const std::string& where) {
  read_plain(value, given, where, "a number");
}
void read(std::string& value, const py::handle& given, const std::string& where) {
  read_plain(value, given, where, "a string");
}
void read(Shape& value, const py::handle& given, const std::string& where) {
  std::pair<Index, bool> pair;
  read_plain(pair, given, where, "(features, sequence)");
  value = {pair.first, pair.second};
}
void read(Activation& value, const py::handle& given, const std::string& where) {
  std::pair<std::string, std::vector<double>> pair;
  read_plain(pair, given, where, "(function, parameters)");
  value = {activation_index(pair.first), std::move(pair.second)};
}
void read(Probability& value, const py::handle& given, const std::string& where) {
  if (py::isinstance<py::float_>(given)) return read(value.number, given, where);
  Pieces pieces;
  read_plain(pieces, given, where, "a number or the pieces of a schedule");
  value.schedule = native_pieces(pieces);
}
void read(SpecPointer& value, const py::handle& given, const std::string& where) {
  if (!given.is_none()) value = read_any_spec(given, where);
}
template <class Spec>
void read(std::shared_ptr<const Spec>& value, const py::handle& given, const std::string& where) {
  value = read_spec<Spec>(given, where);
}
template <class V>
void read(std::optional<V>& value, const py::handle& given, const std::string& where) {
  value.reset();
  if (!given.is_none()) read(value.emplace(), given, where);
}
template <class V>
void read(NamedField<V> field, const py::handle& given, const std::string& where) {
  std::string name, known;
  read(name, given, where);
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (field.names[i] == name) {
      field.value = V(i);
      return;
    }
    known += (i ? ", " : "") + std::string(field.names[i]);
  }
  throw py::value_error(where + ": expected one of " + known + ", got " + name);
}
template <class V>
void read(std::vector<V>& values, const py::handle& given, const std::string& where);
template <HasFields V>
void read(V& value, const py::handle& given, const std::string& where);

/// A visitor for fields() that reads each field from a dictionary.
class FieldReader {
 public:
  FieldReader(py::dict given, std::string where) : given_(std::move(given)), where_(std::move(where)) {}

  template <class V>
  void operator()(const char* name, V&& value) {
    if (!given_.contains(name)) throw py::value_error(where_ + ": the field '" + name + "' is missing");
    read(std::forward<V>(value), given_[name], where_ + "." + name);
    names_.append(name);
  }
  /// Raises if the dictionary has entries that are not fields.
  void finish() const {
    for (const auto& [key, value] : given_) {
      if (!names_.contains(key)) {
        throw py::value_error(where_ + ": unknown field " + py::cast<std::string>(py::repr(key)) + "; its fields are " +
                              py::cast<std::string>(py::str(", ").attr("join")(names_)));
      }
    }
  }

 private:
  py::dict given_;
  std::string where_;
  py::list names_;
};

template <class V>
void read(std::vector<V>& values, const py::handle& given, const std::string& where) {
  if (!py::isinstance<py::sequence>(given)) reject(where, "a sequence", given);
  const auto items = py::reinterpret_borrow<py::sequence>(given);
  values.resize(items.size());
  for (std::size_t i = 0; i < values.size(); ++i) read(values[i], items[i], where + "[" + std::to_string(i) + "]");
}

template <HasFields V>
void read(V& value, const py::handle& given, const std::string& where) {
  FieldReader reader(as_dict(given, where), where);
  value.fields(reader);
  reader.finish();
}

template <class Spec>
std::shared_ptr<Spec> read_spec(const py::handle& given, const std::string& where) {
  FieldReader reader(as_dict(given, where), where);
  const auto spec = std::make_shared<Spec>();
  std::string kind;
  reader("kind", kind);
  reader("input", spec->input);
  reader("output", spec->output);
  spec->fields(reader);
  reader.finish();
  spec->derive();
  return spec;
}

/// Calls visit.operator()<Spec>() for each kind of layer.
template <class... Spec, class Visit>
void for_each_spec(List<Spec...>, const Visit& visit) {
  (visit.template operator()<Spec>(), ...);
}

SpecPointer read_any_spec(const py::handle& given, const std::string& where) {
  const py::dict layer = as_dict(given, where);
  const std::string kind = layer.contains("kind") ? py::cast<std::string>(py::str(layer["kind"])) : "";
  SpecPointer found;
  for_each_spec(LayerSpecs(), [&]<class Spec>() {
    if (kind == Spec::kind) found = read_spec<Spec>(layer, kind);
  });
  if (!found) throw py::value_error(where + ": there is no kind '" + kind + "'");
  return found;
}

}  // namespace

std::shared_ptr<const SequentialSpec> sequential_spec(const py::dict& sequential) {
  return read_spec<SequentialSpec>(sequential, SequentialSpec::kind);
}

py::dict layer_fields() {
  py::dict kinds;
  for_each_spec(LayerSpecs(), [&]<class Spec>() {
    py::list names;
    const auto add = [&](const char* name, auto&&) { names.append(name); };
    Spec().fields(add);
    kinds[Spec::kind] = py::tuple(names);
  });
  return kinds;
}

}  // namespace simdnn
