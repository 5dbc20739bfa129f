// Embeddings: the integers of categorical columns select rows of tables.
#pragma once

#include "../layer.hpp"

namespace simdnn {

template <class T>
class Embedding;

struct EmbeddingSpec final : SpecFor<EmbeddingSpec, Embedding> {
  static constexpr const char* kind = "embedding";
  struct Table {
    std::string name;  ///< name of the parameter [count, width]
    Index count = 0, width = 0;

    template <class Fields>
    void fields(Fields& f) {
      f("name", name);
      f("count", count);
      f("width", width);
    }
  };
  struct Column {
    Index column = 0, table = 0;

    template <class Fields>
    void fields(Fields& f) {
      f("column", column);
      f("table", table);
    }
  };
  std::vector<Table> tables;
  std::vector<Column> columns;  ///< columns that are looked up, in the order of the output
  std::vector<Index> passed;    ///< columns that are copied to the front of the output

  template <class Fields>
  void fields(Fields& f) {
    f("tables", tables);
    f("lookups", columns);
    f("passed", passed);
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  void check(const InputReader& x, Index rows) const override;
};

template <class T>
class Embedding final : public Layer<T> {
 public:
  Embedding(const EmbeddingSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  struct Lookup {
    Index column, count, width;
    T *values, *gradients;

    /// The index of the entry for x; -1 if x is not an integer in range.
    Index entry(T x) const {
      if (!(x >= 0 && x < T(count))) return -1;
      const Index index = Index(x);
      return T(index) == x && index < count ? index : -1;
    }
  };

  Index inputs_, outputs_;
  std::vector<Lookup> lookups_;
  std::vector<Index> passed_;
  T* gradients_ = nullptr;  ///< gradients of all tables
  Index size_ = 0;
  Matrix<T> y_, input_gradient_;
};

}  // namespace simdnn
