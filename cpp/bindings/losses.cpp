// Losses as Python objects, and their values and gradients on arrays.
#include "targets.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>

#include "../net/layers/dense.hpp"
#include "register.hpp"
#include "schedules.hpp"

namespace simdnn {

using namespace py::literals;

namespace {

enum class Reduction { none, mean, sum, batch_mean };

Reduction reduction_of(const Loss& loss, const py::object& given) {
  if (!py::isinstance<py::str>(given)) {
    throw py::type_error("reduction: expected a name, got " + std::string(Py_TYPE(given.ptr())->tp_name));
  }
  const auto name = given.cast<std::string>();
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  if (name == "none") return Reduction::none;
  const bool summed = loss.info().outputs == Outputs::summed;
  if (name == "batchmean" && summed) return Reduction::batch_mean;
  throw py::value_error(std::string("reduction: expected 'none', 'mean'") + (summed ? ", 'batchmean'" : "") +
                        " or 'sum', got '" + name + "'");
}

/// Rows [begin, end) of a batch.
template <class T>
LossRows<T> row_range(LossRows<T> rows, Index begin, Index end) {
  rows.output = rows.output.row_range(begin, end - begin);
  rows.values = rows.values.row_range(begin, end - begin);
  rows.gradient = rows.gradient.row_range(begin, end - begin);
  if (rows.classes) rows.classes += begin;
  if (rows.row_weight) rows.row_weight += begin;
  if (rows.each) rows.each += begin * rows.output.columns;
  rows.row_loss += begin;
  return rows;
}

template <class T>
void run(const Loss& loss, const LossRows<T>& rows) {
  const LossFunction<T> function = typed_kernels<T>().losses[loss.index];
  const Nanoseconds work = kLossElement * double(rows.output.rows) * double(rows.output.columns);
  if (work <= kHoldLockInLossUpTo) return function(rows);
  const WithoutGil release;
  parallel_for(rows.output.rows, 16, work, [&](Index begin, Index end) { function(row_range(rows, begin, end)); });
}

/// One evaluation of a loss: its checked arguments, and the sums and arrays that it computes.
template <class T>
struct Evaluation {
  const Loss& loss;
  Array<T> input;
  LossRows<T> rows;
  std::vector<Index> shape, samples;  ///< shape of the input, and of the losses before reduction
  std::optional<Targets<T>> targets;
  std::optional<Array<T>> weights, gradient, each;
  std::vector<double> row_loss;
  double divisor = 0;

  Evaluation(const Loss& used, const py::object& object, const char* name)
      : loss(used), input(real_array<T>(object, name)), shape(shape_of(input)) {}

  /// Takes the arguments of a loss of whole rows, with the classes along the last axis.
  void take_rows(const py::object& target, const py::object& weight, const char* name) {
    const Clause text = [this, name] { return std::string(" for ") + name + " of shape " + shape_text(input); };
    if (shape.empty() || shape.back() == 0) {
      throw py::value_error(std::string(name) + ": expected at least one class along the last axis, got shape " +
                            shape_text(input));
    }
    samples.assign(shape.begin(), shape.end() - 1);
    const Index columns = shape.back(), count = input.size() / columns;
    check_classes(name, columns);
    targets.emplace(loss, target, "target", samples, columns, text, Memory::own_labels);
    if (!weight.is_none()) weights = sample_weights<T>(weight, samples, text, Memory::own_labels);
    const T* const row_weight = weights ? weights->data() : nullptr;
    const Matrix<const T> values{targets->values(), count, columns, columns};
    rows = loss.rows<T>({input.data(), count, columns, columns}, targets->classes(), values, row_weight);
    loss.add_to_divisor(rows.classes, values.data != nullptr, row_weight, count, divisor);
  }

  /// Takes the target of a pointwise loss, in rows of any length, or in rows of classes if each class has a weight.
  void take_points(const py::object& target, const char* name) {
    Array<T> values = real_array<T>(target, "target");
    check_shape(values, "target", shape, [name] { return std::string(", that of ") + name; });
    check_domain(loss, values, "target");
    check_numbers(loss.info().output_domain, loss, input, name);
    constexpr Index row_length = 1024;
    samples = shape;
    divisor = double(input.size());
    const Index columns = loss.class_scale.empty() ? row_length : (shape.empty() ? 1 : shape.back());
    if (!loss.class_scale.empty()) check_classes(name, columns);
    const Index count = columns == 0 ? 0 : input.size() / columns;
    rows = loss.rows<T>({input.data(), count, columns, columns}, nullptr, {values.data(), count, columns, columns},
                        nullptr);
    points = std::move(values);
  }

  py::tuple run(Reduction reduction, bool return_grad) {
    const Index count = rows.output.rows, columns = rows.output.columns;
    const Index rest = columns == 0 ? 0 : input.size() % columns;
    const bool pointwise = loss.info().outputs != Outputs::together;
    if (reduction == Reduction::batch_mean) divisor = shape.empty() ? 1 : double(shape[0]);
    const bool mean = reduction == Reduction::mean || reduction == Reduction::batch_mean;
    row_loss.assign(std::size_t(count + 1), 0);
    rows.scale = mean ? (divisor == 0 ? 0 : 1 / divisor) : 1;
    rows.row_loss = row_loss.data();
    if (return_grad) {
      gradient.emplace(shape);
      rows.gradient = {gradient->mutable_data(), count, columns, columns};
    }
    if (reduction == Reduction::none) each.emplace(samples);
    if (reduction == Reduction::none && pointwise) rows.each = each->mutable_data();
    simdnn::run(loss, rows);
    if (rest > 0) run_rest(rest);
    py::object gradients = gradient ? py::object(*gradient) : py::none();
    if (reduction == Reduction::none) {
      for (Index i = 0; !pointwise && i < count; ++i) each->mutable_data()[i] = T(row_loss[std::size_t(i)]);
      return py::make_tuple(*each, gradients);
    }
    const double sum = typed_kernels<double>().row_sum(row_loss.data(), Index(row_loss.size()));
    return py::make_tuple(mean ? sum / divisor : sum, gradients);
  }

 private:
  std::optional<Array<T>> points;

  /// The argument that the numbers of classes come from.
  const char* weights_name() const {
    if (loss.info().outputs != Outputs::together) return "pos_weight";
    return loss.class_weight.empty() ? "alpha" : "weight";
  }

  void check_classes(const char* name, Index columns) const {
    const std::size_t count = loss.class_scale.size();
    if (count == 0 || Index(count) == columns) return;
    throw py::value_error(std::string(weights_name()) + ": expected one number for each of the " +
                          std::to_string(columns) + " classes of " + name + ", got " + std::to_string(count));
  }

  /// The remaining outputs after the last full row.
  void run_rest(Index rest) {
    LossRows<T> last = row_range(rows, rows.output.rows, rows.output.rows + 1);
    last.output.columns = rest;
    simdnn::run(loss, last);
  }
};

template <class T>
py::tuple evaluate(const Loss& loss, const py::object& input, const py::object& target, const py::object& weight,
                   const char* name, const py::object& reduction, bool return_grad) {
  const Reduction how = reduction_of(loss, reduction);
  Evaluation<T> evaluation(loss, input, name);
  if (loss.info().outputs == Outputs::together) {
    evaluation.take_rows(target, weight, name);
  } else {
    evaluation.take_points(target, name);
  }
  return evaluation.run(how, return_grad);
}

/// A network that computes x W: one dense layer without bias or activation.
std::shared_ptr<const SequentialSpec> product_of(Index inputs, Index outputs) {
  const auto dense = std::make_shared<DenseSpec>();
  dense->input = {inputs};
  dense->output = {outputs};
  dense->bias = false;
  dense->activation_of_output.index = activation_index("identity");
  const auto sequential = std::make_shared<SequentialSpec>();
  sequential->input = dense->input;
  sequential->output = dense->output;
  sequential->layers = {dense};
  return sequential;
}

/// The loss of logits x W with a margin, for features x [n, in_features] and a weight W [in_features, classes], as
/// (loss, gradients): the gradients are w.r.t. x and W, or None without `return_grad`.
template <class T>
py::tuple evaluate_margin(const Loss& loss, const py::object& features, const py::object& weight,
                          const py::object& target, const py::object& sample_weight, const py::object& reduction,
                          bool return_grad) {
  const Reduction how = reduction_of(loss, reduction);
  const Array<T> x_array = real_array<T>(features, "features"), w = real_array<T>(weight, "weight");
  if (w.ndim() != 2 || w.size() == 0) {
    throw py::value_error("weight: expected shape (in_features, classes), got " + shape_text(w));
  }
  const Matrix<const T> x = matrix_of(x_array, "features", w.shape(0));
  const Index classes = w.shape(1);
  Array<T> logits({x.rows, classes});
  Evaluation<T> evaluation(loss, logits, "logits");
  evaluation.take_rows(target, sample_weight, "logits");

  const auto network = std::make_shared<Network<T>>(product_of(x.columns, classes));
  std::copy(w.data(), w.data() + w.size(), network->values().data());
  Plan<T> plan(network, x.rows, 1, return_grad ? Mode::train : Mode::infer, true);
  MarginLogits<T> head(*loss.margin, x.rows, x.columns, classes);
  const Matrix<T> out{logits.mutable_data(), x.rows, classes, classes};
  const std::int64_t* const targets = evaluation.rows.classes;
  const Nanoseconds work = network->flops() * kFlopOfStep * double(x.rows);
  const Matrix<const T> z = run_native(network->mutex(), work, [&](const StopToken& stop) {
    head.begin(w.data(), 0);
    const Matrix<const T> product = plan.forward(x, PassContext{.stop = stop});
    head.logits(x, product, targets, out);
    return product;
  });
  const py::tuple found = evaluation.run(how, return_grad);
  if (!return_grad) return py::make_tuple(found[0], py::none());

  Array<T> dx({x.rows, x.columns}), dw({x.columns, classes});
  const Matrix<const T> dlogits{evaluation.gradient->data(), x.rows, classes, classes};
  T* const to[] = {dx.mutable_data(), dw.mutable_data()};
  run_native(network->mutex(), 2 * work, [&](const StopToken& stop) {
    const Matrix<T> gradient = plan.output_gradient(x.rows);
    copy_rows(dlogits, gradient.data, gradient.stride);
    const Matrix<const T> extra_gradient = head.backward(x, z, targets, gradient);
    copy_rows<T>(plan.backward(gradient, PassContext{.stop = stop}, extra_gradient), to[0], x.columns);
    head.finish(w.data(), network->gradients().data());
    std::copy(network->gradients().data(), network->gradients().data() + w.size(), to[1]);
    return true;
  });
  return py::make_tuple(found[0], py::make_tuple(dx, dw));
}

py::tuple pickled_loss(const Loss& loss) {
  if (loss.margin) throw py::type_error("loss: one with a margin cannot be pickled; give the Trainer its function");
  return py::make_tuple(loss.info().name, loss.parameters, loss.class_weight, loss.class_scale, loss.factor,
                        loss.ignore_index);
}

std::shared_ptr<Loss> unpickled_loss(const py::tuple& parts) {
  if (parts.size() != 6) throw py::value_error("loss: expected 6 parts, got " + std::to_string(parts.size()));
  auto loss = std::make_shared<Loss>();
  loss->index = find_by_name("loss", parts[0].cast<std::string>(), kernels().loss_count,
                             [](int i) { return kernels().losses[i]->name; });
  loss->parameters = parts[1].cast<std::vector<double>>();
  if (loss->parameters.size() != kMaxLossParameters) {
    throw py::value_error("loss: a wrong number of parameters");
  }
  loss->class_weight = parts[2].cast<std::vector<double>>();
  loss->class_scale = parts[3].cast<std::vector<double>>();
  loss->factor = parts[4].cast<double>();
  loss->ignore_index = parts[5].cast<std::int64_t>();
  return loss;
}

void set_margin(Loss& loss, const std::string& name, double margin, std::optional<double> scale, const Pieces& lambda) {
  const MarginVariant& variant = find_margin(name);
  const bool angular = variant.law == MarginLaw::angular;
  const bool fits = angular ? margin >= 1 && margin <= variant.highest && margin == std::floor(margin)
                            : margin >= 0 && margin < variant.highest;
  if (!fits) {
    const std::string wanted = angular ? "1, 2, 3 or 4"
                                       : "from 0 up to, not including, " + text_of(py::float_(variant.highest)) +
                                             " (its paper has " + text_of(py::float_(variant.margin)) + ")";
    throw py::value_error("margin: expected for " + name + " " + wanted + ", got " + text_of(py::float_(margin)));
  }
  if (scale && variant.feature_norm) {
    throw py::value_error("scale: expected None for " + name + ", whose logits keep the norm of the features");
  }
  const double factor = scale.value_or(variant.scale);
  if (!(factor > 0) || !std::isfinite(factor)) {
    throw py::value_error("scale: expected a finite number > 0, got " + text_of(py::float_(factor)));
  }
  loss.margin.emplace(variant, margin, factor, native_pieces(lambda));
}

/// Finite numbers >= 0, one for each class; empty for None.
std::vector<double> class_numbers(const py::object& object, const char* name) {
  if (object.is_none()) return {};
  const Array<double> numbers = real_array<double>(object, name);
  if (numbers.ndim() != 1 || numbers.size() == 0) {
    throw py::value_error(std::string(name) + ": expected one number for each class, got shape " + shape_text(numbers));
  }
  std::vector<double> found(numbers.data(), numbers.data() + numbers.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] >= 0 && std::isfinite(found[i])) continue;
    throw py::value_error(std::string(name) + "[" + std::to_string(i) + "]: expected a finite number >= 0, got " +
                          text_of(py::float_(found[i])));
  }
  return found;
}

std::shared_ptr<Loss> make_loss(const std::string& name, const py::dict& parameters, const py::object& class_weight,
                                const py::object& class_scale, double factor, std::int64_t ignore_index) {
  auto loss = std::make_shared<Loss>();
  loss->index = find_by_name("loss", name, kernels().loss_count, [](int i) { return kernels().losses[i]->name; });
  const LossDescription& info = loss->info();
  for (int i = 0; i < info.parameter_count(); ++i) {
    const Hyper& hyper = info.parameters[i];
    const bool given = parameters.contains(hyper.name);
    loss->parameters.push_back(given ? checked_number(hyper, parameters[hyper.name].cast<double>()) : hyper.value);
  }
  loss->parameters.resize(kMaxLossParameters);
  loss->class_weight = class_numbers(class_weight, "weight");
  loss->class_scale = class_numbers(class_scale, "weight");
  loss->factor = checked_number({"alpha", 1, 0, kUnbounded}, factor);
  loss->ignore_index = ignore_index;
  return loss;
}

}  // namespace

void register_losses(py::module_& module) {
  py::class_<Loss, std::shared_ptr<Loss>>(module, "Loss")
      .def(py::init(&make_loss), "name"_a, "parameters"_a, "class_weight"_a, "class_scale"_a, "factor"_a,
           "ignore_index"_a)
      .def("__copy__", [](const std::shared_ptr<Loss>& self) { return self; })
      .def(
          "__deepcopy__", [](const std::shared_ptr<Loss>& self, const py::dict&) { return self; }, "memo"_a)
      .def(py::pickle(&pickled_loss, &unpickled_loss))
      .def_property_readonly("name", [](const Loss& self) { return self.info().name; })
      .def_property_readonly("classifies", [](const Loss& self) { return self.info().outputs == Outputs::together; })
      .def_property_readonly("classes", [](const Loss& self) { return self.class_scale.size(); })
      .def(
          "evaluate",
          [](const Loss& self, const py::object& object, const py::object& target, const py::object& weight,
             const char* name, const py::object& reduction, bool return_grad) {
            const py::array input = host_array(object, name);
            return is_double(input) ? evaluate<double>(self, input, target, weight, name, reduction, return_grad)
                                    : evaluate<float>(self, input, target, weight, name, reduction, return_grad);
          },
          "input"_a, "target"_a, "weight"_a, "name"_a, "reduction"_a, "return_grad"_a)
      .def("set_margin", &set_margin, "variant"_a, "margin"_a, "scale"_a, "lam"_a)
      .def_property_readonly("takes_logits", [](const Loss& self) { return self.info().logits; })
      .def_property_readonly("has_margin", [](const Loss& self) { return self.margin.has_value(); })
      .def(
          "evaluate_margin",
          [](const Loss& self, const py::object& features_object, const py::object& weight_object,
             const py::object& target, const py::object& sample_weight, const py::object& reduction, bool return_grad) {
            const py::array features = host_array(features_object, "features");
            const py::array weight = host_array(weight_object, "weight");
            const auto run =
                is_double(features) || is_double(weight) ? evaluate_margin<double> : evaluate_margin<float>;
            return run(self, features, weight, target, sample_weight, reduction, return_grad);
          },
          "features"_a, "weight"_a, "target"_a, "sample_weight"_a, "reduction"_a, "return_grad"_a);
}

}  // namespace simdnn
