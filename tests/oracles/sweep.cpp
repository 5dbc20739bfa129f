// The inner loop of accuracy.py: compares results with formulas that are computed in a wider type.
// accuracy.py writes formulas.hpp from elementwise.py; -DSIMDNN_QUADMATH and -lquadmath choose __float128.
// A filter goes first, which misses no error: vectors of double for float, long double for double.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

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

#if defined _OPENMP && defined __x86_64__ && defined __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 35)
// libmvec has them all, within 4 ULP; glibc's own headers say so only with -ffast-math.
#define VECTOR(name) _Pragma("omp declare simd notinbranch") extern "C" double name(double) noexcept;
VECTOR(exp)
VECTOR(expm1)
VECTOR(log)
VECTOR(log1p)
VECTOR(tanh)
VECTOR(cosh)
VECTOR(erfc)
#endif
#endif

/// A long double and how far it may be from the exact value: running error analysis (Higham 2002, section 3.3).
struct Bounded {
  static constexpr long double kEps = std::numeric_limits<long double>::epsilon();  // twice the rounding error
  static constexpr long double kFunction = 16 * kEps;  // glibc's manual: at most 5 ULP, for erfcl

  long double value = 0, error = 0;

  Bounded() = default;
  explicit Bounded(int x) : value(x) {}
  explicit Bounded(double x) : value(x) {}
  explicit Bounded(Wide x) : value(static_cast<long double>(x)), error(std::fabs(value) * kEps) {}
  /// Infinity is exact: what overflows here is beyond what a double can show.
  Bounded(long double x, long double from_arguments, long double rounding)
      : value(x), error(std::isfinite(x) ? from_arguments + std::fabs(x) * rounding : 0) {}

  friend Bounded operator-(Bounded a) { return {-a.value, a.error, 0}; }
  friend Bounded operator+(Bounded a, Bounded b) {
    return {a.value + b.value, a.error + b.error, a.value == 0 || b.value == 0 ? 0 : kEps};
  }
  friend Bounded operator-(Bounded a, Bounded b) { return a + -b; }
  friend Bounded operator*(Bounded a, Bounded b) {
    const long double x = std::fabs(a.value), y = std::fabs(b.value);
    return {a.value * b.value, x * b.error + y * a.error, x == 1 || y == 1 ? 0 : kEps};
  }
  friend Bounded operator/(Bounded a, Bounded b) {
    const long double x = a.value / b.value, y = std::fabs(b.value);
    return {x, (a.error + std::fabs(x) * b.error) / y, y == 1 ? 0 : kEps};
  }
  friend auto operator<=>(Bounded a, Bounded b) { return a.value <=> b.value; }
};

namespace oracle {

/// x no further than the end on either side: the vector functions are slow where they overflow or underflow, and
/// the ends below give what float takes for 0 and infinity.
inline double within(double end, double x) { return std::fabs(x) > end ? std::copysign(end, x) : x; }

/// The derivative of y = name(x), or a bound of it, is what errors of x are multiplied by.
#define FUNCTION(name, end, derivative)                              \
  inline double name(double x) { return std::name(within(end, x)); } \
  inline Wide name(Wide x) { return WIDE(name)(x); }                 \
  inline Bounded name(Bounded a) {                                   \
    const long double x = a.value, y = std::name(x);                 \
    return {y, a.error * (derivative), Bounded::kFunction};          \
  }
// Variables: GCC would fold exp(690), and then call exp for every x before it chooses.
double no_end = std::numeric_limits<double>::infinity(), exp_end = 690, erfc_end = 26;
FUNCTION(exp, exp_end, y)
FUNCTION(expm1, exp_end, y + 1)
FUNCTION(log, no_end, 1 / x)
FUNCTION(log1p, no_end, 1 / (1 + x))
FUNCTION(sqrt, no_end, 1 / y)
FUNCTION(tanh, no_end, 1 - y * y)
FUNCTION(cosh, exp_end, y)                            // |sinh| < cosh
FUNCTION(erfc, erfc_end, y * (2 + 2 * std::fabs(x)))  // Mills' ratio, Abramowitz & Stegun 7.1.13

inline double fabs(double x) { return std::fabs(x); }
inline long double fabs(long double x) { return std::fabs(x); }
inline Bounded fabs(Bounded a) { return {std::fabs(a.value), a.error, 0}; }
#ifdef SIMDNN_QUADMATH
inline Wide fabs(Wide x) { return fabsq(x); }
#endif

template <class T>
using Formula = void (*)(const T* x, T* exact, std::int64_t n, const T* p);

/// A formula for n arguments; with double, glibc's vector functions take eight of them at once.
template <class T, T (*formula)(T x, const T* p)>
void each(const T* x, T* exact, std::int64_t n, const T* p) {
  const T parameters[2] = {p[0], p[1]};
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) exact[i] = formula(x[i], parameters);
}

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

/// Limits and precision of a floating-point type.
struct Format {
  double smallest_normal, largest_power, eps;
};
constexpr Format kHalf{0x1p-14, 0x1p15, 0x1p-10}, kSingle{0x1p-126, 0x1p127, 0x1p-23},
    kDouble{0x1p-1022, 0x1p1023, 0x1p-52};

template <class T>
T smaller(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T larger(T a, T b) {
  return a > b ? a : b;
}

/// The spacing of a type at a positive number.
double spacing(const Format& format, double x) {
  const double power = std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & 0x7ff0000000000000u);
  return larger(smaller(power, format.largest_power), format.smallest_normal) * format.eps;
}

/// Infinity counts as the number after the largest, so that an overflow is judged as a rounding is.
template <class Exact>
Exact clamped(const Format& format, Exact x) {
  const Exact top = Exact(format.largest_power) * 2;
  return smaller(larger(x, -top), top);
}

bool around(double root, double x) { return std::fabs(x - root) <= 0.2 * std::fabs(root); }

void raise(Worst& worst, double error, double x) {
  if (error > worst.error) worst = {error, x};
}

template <class Exact>
void judge(const Format& format, double x, double y, Exact exact, double root, Report& report) {
  if (exact != exact || y != y) {
    if ((exact != exact) != (y != y)) report.mismatch = {report.mismatch.error + 1, x};
    return;
  }
  const Exact error = oracle::fabs(clamped(format, Exact(y)) - clamped(format, exact)), size = oracle::fabs(exact);
  const double absolute = double(error / Exact(format.eps));
  if (absolute <= 0.1 && around(root, x)) return raise(report.near_root, absolute, x);
  const double ulp = double(error / Exact(spacing(format, double(size))));
  raise(size < Exact(format.smallest_normal) ? report.subnormal : report.normal, ulp, x);
}

/// True if `judge` might change the report, if the exact value is at most `bound` away; without branches.
template <class Exact>
[[gnu::always_inline]] inline bool suspicious(const Format& format, double x, double y, Exact exact, Exact bound,
                                              double root, const Report& report) {
  const Exact near = clamped(format, exact), eps = Exact(format.eps);
  const Exact error = oracle::fabs(clamped(format, Exact(y)) - near), most = error + bound;
  const Exact size = larger(oracle::fabs(near) - bound, Exact(0));
  const double small_limit = smaller(report.normal.error, report.subnormal.error);
  const double limit = size < Exact(format.smallest_normal) ? small_limit : report.normal.error;
  const bool beyond = !(most <= Exact(limit) * Exact(spacing(format, double(size))));
  const bool beyond_near_root = !(most <= Exact(report.near_root.error) * eps);
  const bool near_root = around(root, x) & (error - bound <= Exact(0.1) * eps);
  const bool nan = exact != exact, got_nan = y != y, finite = std::fabs(x) < std::numeric_limits<double>::infinity();
  return finite & ((nan != got_nan) | (!(nan | got_nan) & (near_root ? beyond_near_root : beyond)));
}

double value(double x) { return x; }
double bound(double) { return 0; }  // a few ULP of double are nothing in float
long double value(Bounded x) { return x.value; }
long double bound(Bounded x) { return x.error; }

/// Leaves out infinite arguments: accuracy.py compares their results with the limits of the oracle.
template <class Filter, class Exact, class T>
void compare(const Format& format, int formula, const T* x, const T* y, std::int64_t n, const double* parameters,
             double root, Report* report) {
  constexpr std::int64_t kBlock = 1024;
  const Filter filter_parameters[2] = {Filter(parameters[0]), Filter(parameters[1])};
  const Exact exact_parameters[2] = {Exact(parameters[0]), Exact(parameters[1])};
  Filter arguments[kBlock], found[kBlock];
  for (; n > 0; x += kBlock, y += kBlock, n -= kBlock) {
    const std::int64_t size = smaller(n, kBlock);
    for (std::int64_t i = 0; i < size; ++i) arguments[i] = Filter(double(x[i]));
    oracle::formulas<Filter>[formula](arguments, found, size, filter_parameters);
    const Report before = *report;
    int any = 0;
#pragma omp simd reduction(| : any)
    for (std::int64_t i = 0; i < size; ++i)
      any |= int(suspicious(format, x[i], y[i], value(found[i]), bound(found[i]), root, before));
    for (std::int64_t i = 0; any && i < size; ++i) {
      if (!suspicious(format, x[i], y[i], value(found[i]), bound(found[i]), root, *report)) continue;
      Exact exact;
      const Exact argument = Exact(x[i]);
      oracle::formulas<Exact>[formula](&argument, & exact, 1, exact_parameters);
      judge<Exact>(format, x[i], y[i], exact, root, *report);
    }
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
  compare<double, double>(kSingle, formula, x, y, n, parameters, root, report);
}

void compare_float64(int formula, const double* x, const double* y, std::int64_t n, const double* parameters,
                     double root, Report* report) {
  compare<Bounded, Wide>(kDouble, formula, x, y, n, parameters, root, report);
}

}  // extern "C"
