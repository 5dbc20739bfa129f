#include "maxout.hpp"

namespace simdnn {

namespace {

template <class T>
constexpr Storage kStorage = sizeof(T) == sizeof(float) ? kF32 : kF64;

template <class T>
char* bytes(T* data) {
  return reinterpret_cast<char*>(data);
}

}  // namespace

template <class T>
Matrix<T> Maxout<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  parts_ = dense_->forward(x, context);
  const Loop value = kernels().maxout.value[kStorage<T>];
  const Index size = Index(sizeof(T)), dims[] = {outputs_, pieces_}, steps[] = {pieces_ * size, size, size};
  for (Index i = 0; i < x.rows; ++i) {
    char* const args[] = {bytes(parts_.data + i * parts_.stride), bytes(y_.data + i * y_.stride)};
    value(args, dims, steps);
  }
  return y_.first_rows(x.rows);
}

template <class T>
Matrix<T> Maxout<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                              const PostOp<T>& prev_post_op, const PassContext& context) {
  const Loop spread = kernels().maxout.backward[kStorage<T>];
  const Index size = Index(sizeof(T)), group = pieces_ * size;
  const Index dims[] = {outputs_, pieces_}, steps[] = {size, group, group, size, size};
  for (Index i = 0; i < x.rows; ++i) {
    char* const args[] = {bytes(gradient.data + i * gradient.stride), bytes(parts_.data + i * parts_.stride),
                          bytes(spread_.data + i * spread_.stride)};
    spread(args, dims, steps);
  }
  return dense_->backward(x, spread_.first_rows(x.rows), dx_init, prev_post_op, context);
}

SIMDNN_INSTANTIATE(Maxout);

}  // namespace simdnn
