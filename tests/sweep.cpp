// The inner loop of accuracy.py: compares results with formulas that are computed in a wider type.
// accuracy.py writes formulas.hpp from tests/oracles.py; -DSIMDNN_QUADMATH and -lquadmath choose __float128.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef SIMDNN_QUADMATH
#include <quadmath.h>
using Wide = __float128;
#define WIDE(function) function##q
#define DIGITS(digits) digits##Q
#else
using Wide = long double;
#define WIDE(function) std::function
#define DIGITS(digits) digits##L
#endif

namespace oracle {

#define FUNCTION(name)                                  \
  inline double name(double x) { return std::name(x); } \
  inline Wide name(Wide x) { return WIDE(name)(x); }
FUNCTION(exp)
FUNCTION(expm1)
FUNCTION(log)
FUNCTION(log1p)
FUNCTION(sqrt)
FUNCTION(tanh)
FUNCTION(cosh)
FUNCTION(erfc)
FUNCTION(fabs)

template <class T>
using Formula = T (*)(T x, const T* p);

#include "formulas.hpp"  // template <class T> constexpr Formula<T> formulas[]

}  // namespace oracle

/// The largest error of a kind, and the argument where it occurs.
struct Worst {
  double error, x;
};

struct Report {
  Worst normal;     ///< in units in the last place of the exact result
  Worst subnormal;  ///< in smallest subnormals
  Worst near_root;  ///< in eps, where the exact result crosses zero
  Worst mismatch;   ///< a NaN where none belongs, or none where one does; error counts them
};

namespace {

/// What rounding to a type means.
struct Format {
  double smallest_normal, largest_power, eps;
};
constexpr Format kHalf{0x1p-14, 0x1p15, 0x1p-10}, kSingle{0x1p-126, 0x1p127, 0x1p-23},
    kDouble{0x1p-1022, 0x1p1023, 0x1p-52};

/// The power of two at or below a positive number; 0 below the normal ones.
double power_below(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits &= 0x7ff0000000000000u;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

void raise(Worst& worst, double error, double x) {
  if (error > worst.error) worst = {error, x};
}

/// Infinity counts as the number after the largest, so that an overflow is judged as a rounding is.
template <class Exact>
void judge(const Format& format, double x, double y, Exact exact, double root, Report& report) {
  if (exact != exact || y != y) {
    if ((exact != exact) != (y != y)) report.mismatch = {report.mismatch.error + 1, x};
    return;
  }
  const Exact top = Exact(format.largest_power) * 2, clamped = std::min(std::max(exact, -top), top);
  const Exact got = std::isinf(y) ? (y > 0 ? top : -top) : Exact(y);
  const Exact error = oracle::fabs(got - clamped), size = oracle::fabs(exact);
  const double absolute = double(error / format.eps);
  if (absolute <= 0.1 && std::fabs(x - root) <= 0.2 * std::fabs(root)) return raise(report.near_root, absolute, x);
  const double power = std::min(power_below(double(size)), format.largest_power);
  const double unit = std::max(power, format.smallest_normal) * format.eps;
  raise(size < format.smallest_normal ? report.subnormal : report.normal, double(error / unit), x);
}

/// Leaves out infinite arguments: accuracy.py compares their results with the limits of the oracle.
template <class T, class Exact>
void compare(const Format& format, int formula, const T* x, const T* y, std::int64_t n, const double* parameters,
             double root, Report* report) {
  const Exact p[2] = {parameters[0], parameters[1]};
  const oracle::Formula<Exact> exact = oracle::formulas<Exact>[formula];
  for (std::int64_t i = 0; i < n; ++i) {
    if (!std::isinf(x[i])) judge<Exact>(format, x[i], y[i], exact(x[i], p), root, *report);
  }
}

}  // namespace

extern "C" {

/// Half precision arrives converted to double.
void compare_float16(int formula, const double* x, const double* y, std::int64_t n, const double* parameters,
                     double root, Report* report) {
  compare<double, double>(kHalf, formula, x, y, n, parameters, root, report);
}

void compare_float32(int formula, const float* x, const float* y, std::int64_t n, const double* parameters, double root,
                     Report* report) {
  compare<float, double>(kSingle, formula, x, y, n, parameters, root, report);
}

void compare_float64(int formula, const double* x, const double* y, std::int64_t n, const double* parameters,
                     double root, Report* report) {
  compare<double, Wide>(kDouble, formula, x, y, n, parameters, root, report);
}

}  // extern "C"
