"""Fits the polynomials here: `python cpp/math/minimax.py` prints every coefficient as a hex float.

Weighted Remez exchange in mpmath; the printed error is that of the rounded coefficients.
"""

from mpmath import (
    atanh,
    cosh,
    erfc,
    exp,
    expm1,
    findroot,
    linspace,
    log,
    log1p,
    lu_solve,
    matrix,
    mp,
    mpf,
    nint,
    pi,
    polyval,
    sqrt,
    tanh,
)

mp.prec = 200

# Klambauer et al. 2017, equation 14.
SELU_LAMBDA = "1.05070098735548049341933498529460635195898120437640454697788"
SELU_ALPHA = "1.67326324235437728481704299167165203846115534828121627091524"


def alternation(error, low, high, count, samples=600):
    """Returns `count` points of [low, high] where `error` is largest in turn with alternating sign."""
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / samples) for i in range(samples + 1)]
    values = [error(x) for x in grid]
    peaks = []
    for x, value in zip(grid, values, strict=True):
        if peaks and (value > 0) == (peaks[-1][1] > 0):
            peaks[-1] = max(peaks[-1], (x, value), key=lambda peak: abs(peak[1]))
        else:
            peaks.append((x, value))
    while len(peaks) > count:
        peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
    return [x for x, _ in peaks]


def remez(f, weight, low, high, degree, rounds=12):
    """Returns c minimizing max |weight(x) (f(x) - sum c_k x^k)| on [low, high]."""
    count = degree + 2
    middle, reach = (low + high) / 2, (high - low) / 2
    points = [middle - reach * mp.cos(mp.pi * (i + mpf(1) / 2) / count) for i in range(count)]
    for _ in range(rounds):
        rows = [[x**k for k in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(points)]
        c = list(lu_solve(matrix(rows), matrix([f(x) for x in points])))[:-1]
        found = alternation(lambda x, c=c: weight(x) * (f(x) - polyval(c[::-1], x)), low, high, count)
        if len(found) < count:
            break
        points = found
    return c


def round_to(x, bits):
    """Returns x rounded to `bits` significant bits."""
    with mp.workprec(bits):
        return +mpf(x)


def moved(c, center):
    """Returns the coefficients of the polynomial c in x - center."""
    c = list(c)
    for i in range(len(c)):
        for k in range(len(c) - 2, i - 1, -1):
            c[k] += center * c[k + 1]
    return c


def fit(name, f, weight, low, high, degree, bits, center=0):
    """Prints the rounded coefficients in x - center, lowest power first, and their largest weighted error."""
    c = [round_to(a, bits) for a in moved(remez(f, weight, mpf(low), mpf(high), degree), mpf(center))]
    error = max(weight(x) * abs(f(x) - polyval(c[::-1], x - center)) for x in linspace(low, high, 1000))
    print(f"{name}, {bits} bits, degree {degree}: error 2^{float(log(error, 2)):.1f}")
    print("  " + ", ".join(float(a).hex() for a in c))


def fit_in_turn(name, f, weight, low, high, degree, bits, first):
    """Variant of fit() in which a coefficient after `first` corrects for the rounding of earlier ones."""
    c, low, high = [mpf(first)], mpf(low), mpf(high)
    while len(c) <= degree:
        k = len(c)
        rest = lambda x, c=tuple(c): (f(x) - polyval(c[::-1], x)) / x ** len(c)  # noqa: E731
        free = remez(rest, lambda x, k=k: weight(x) * x**k, low, high, degree - k)
        c.append(round_to(free[0], bits))
    error = max(weight(x) * abs(f(x) - polyval(c[::-1], x)) for x in linspace(low, high, 1000))
    print(f"{name}, {bits} bits, degree {degree}: error 2^{float(log(error, 2)):.1f}")
    print("  " + ", ".join(float(a).hex() for a in c))


def split(name, value, bits, high_bits):
    """Prints `value` as an unevaluated sum of two floating-point numbers; the first has `high_bits` bits."""
    high = round_to(value, high_bits)
    print(f"{name}: {float(high).hex()}, {float(round_to(value - high, bits)).hex()}")


def split_relative(name, value, bits):
    """Prints `value` as high (1 + error), two floating-point numbers."""
    high = round_to(value, bits)
    print(f"{name}: {float(high).hex()}, {float(round_to((value - high) / high, bits)).hex()}")


def exp_tail(r):
    """(exp(r) - 1 - r) / r^2."""
    return mpf(1) / 2 + r / 6 if abs(r) < mpf(2) ** -60 else (expm1(r) - r) / r**2


def log_tail(v):
    """(2 atanh(s) / s - 2) / s^2 with v = s^2."""
    s = sqrt(v)
    return mpf(2) / 3 if v < mpf(2) ** -60 else (2 * atanh(s) / s - 2) / v


def log1p_bend(e):
    """(log(1 + e) - e) / e^2."""
    return -mpf(1) / 2 + e / 3 if abs(e) < mpf(2) ** -60 else (log1p(e) - e) / e**2


def log_cosh_tail(v):
    """(log(cosh(x)) / x^2 - 1 / 2) / x^2 with v = x^2."""
    return -mpf(1) / 12 + v / 45 if v < mpf(2) ** -60 else (log(cosh(sqrt(v))) / v - mpf(1) / 2) / v


def tanh_tail(v):
    """(tanh(x) / x - 1) / x^2 with v = x^2."""
    x = sqrt(v)
    return -mpf(1) / 3 + 2 * v / 15 if v < mpf(2) ** -60 else (tanh(x) / x - 1) / v


def mills(a):
    """exp(a^2 / 2) Phi(-a)."""
    return exp(a * a / 2) * erfc(a / sqrt(mpf(2))) / 2


def normal_slope(a):
    """exp(a^2 / 2) times the derivative of gelu at -a."""
    return mills(a) - a / sqrt(2 * pi)


def fit_normal(shift, most, degree, bits, center):
    """Fits tail in 2 (a + shift) mills(a) = shift + w tail(w); w = a / (a + shift), 0 <= a <= most."""
    shift, most = mpf(shift), mpf(most)

    def factor(w):
        return 2 * shift / (1 - w) * mills(shift * w / (1 - w))

    def tail(w):
        w = max(w, mpf(2) ** -40)
        return (factor(w) - shift) / w

    high = most / (most + shift)
    fit("normal tail", tail, lambda w: (w + mpf(2) ** -12) / factor(w), 0, high, degree, bits, center)


def fit_normal_slope(shift, most, degree, bits, center):
    """Fits normal_slope(a) / (root - a) with w as above, and prints the root."""
    shift, most = mpf(shift), mpf(most)
    root = findroot(normal_slope, mpf("0.75"))

    def tail(w):
        a = shift * w / (1 - w)
        a = root + mpf(2) ** -40 if abs(a - root) < mpf(2) ** -40 else a
        return normal_slope(a) / (root - a)

    fit("normal slope tail", tail, lambda w: 1 / tail(w), 0, most / (most + shift), degree, bits, center)
    split("root of gelu'", root, bits, bits)


def fit_gelu_exp(bits, high_bits):
    """Prints exp(gamma r) = 1 + gamma r + r^2 tail(r) and z = gamma a (beta + a^2) of gelu_tanh."""
    cube = mpf("0.044715")
    exact = 2 * sqrt(2 / pi) * cube
    gamma = round_to(exact, bits)
    reach = log(2) / 2 / exact * mpf("1.0001")

    def tail(r):
        r = r if abs(r) > mpf(2) ** -40 else mpf(2) ** -40
        return (expm1(exact * r) - gamma * r) / r**2

    if bits == 24:  # double scales the tail of exp
        fit("gelu exp tail", tail, lambda r: r**2 + mpf(2) ** -60, -reach, reach, 4, bits)
    print("gamma:", float(gamma).hex(), "1 / ln 2:", float(round_to(exact / log(2), bits)).hex())
    split("ln 2 in units of gamma", log(2) / exact, bits, bits)
    split("beta", 1 / cube, bits, high_bits)
    split("gamma beta", exact / cube, bits, bits)


def log_sixteenths():
    """Prints 1 / c and log c for a c in each sixteenth: log c is nearly a multiple of 1 / grid."""
    least, shift, grid = 0x3F330000, 19, mpf(2) ** 17
    value = lambda bits: mpf(1 + (bits & 0x7FFFFF) / 2**23) * mpf(2) ** ((bits >> 23) - 127)  # noqa: E731
    for i in range(16):
        low, high = value(least + (i << shift)), value(least + ((i + 1) << shift))
        middle, reach = int(nint(log((low + high) / 2) * grid)), int(grid / 400)
        found = (mpf(1), mpf(0))
        if not low < 1 < high:
            multiples = [mpf(k) / grid for k in range(middle - reach, middle + reach + 1)]
            found = min(
                ((round_to(exp(-log_c), 24), log_c) for log_c in multiples),
                key=lambda pair: abs(log(pair[0]) + pair[1]),
            )
        print(f"sixteenth {i}: {float(found[0]).hex()}, {float(found[1]).hex()}")


def main():
    half = log(2) / 2 * mpf("1.0001")
    # The tail enters exp as r^2 tail, expm1 as r tail relative to r; the constant keeps the weight off zero.
    for degree, bits in ((5, 24), (10, 53)):
        fit("exp tail", exp_tail, lambda r: abs(r) + mpf(1) / 20, -half, half, degree, bits)
    fit("short exp tail", exp_tail, lambda r: r**2, -half, half, 4, 24)
    fit("exp tail of a sixteenth", exp_tail, lambda r: r**2 + mpf(2) ** -16, -half / 16, half / 16, 1, 24)
    for i in range(16):
        split_relative(f"2^({i}/16)", mpf(2) ** (mpf(i) / 16), 24)
    # m in [2/3, 4/3): s = (m - 1) / (m + 1) in [-1/5, 1/7]; the tail enters as s^3 tail relative to s.
    for degree, bits in ((2, 24), (6, 53)):
        fit("log tail", log_tail, lambda v: v + mpf(1) / 200, 0, mpf("0.0401"), degree, bits)
    # |x| <= 5/8; the tail enters tanh as x^3 tail relative to x.
    for degree, bits in ((4, 24), (12, 53)):
        fit("tanh tail", tanh_tail, lambda v: v + mpf(1) / 100, 0, mpf("0.3908"), degree, bits)
    # e = exp(-|x|) in (0, 1]; relative to log(1 + e).
    for degree, bits in ((9, 24), (20, 53)):
        weight = lambda e: e**2 / log1p(e) + mpf(1) / 200  # noqa: E731
        fit_in_turn("log1p bend", log1p_bend, weight, mpf(1) / 64, 1, degree, bits, -0.5)
    # Losses in single precision: log(m / c), log(1 + e) with e <= exp(-2), log cosh d with |d| <= 1.
    reach = mpf("0.0305")
    fit("log tail of a sixteenth", log1p_bend, lambda r: abs(r) + mpf(3) / 1000, -reach, reach, 3, 24)
    log_sixteenths()
    fit("log1p tail to 0.1354", log1p_bend, lambda e: e * e + mpf(1) / 1000, 0, mpf("0.1354"), 3, 24)
    weight = lambda v: (v + mpf(1) / 100) / (mpf(1) / 2 + v * log_cosh_tail(v))  # noqa: E731
    fit("log cosh tail", log_cosh_tail, weight, 0, mpf("1.0001"), 6, 24)
    # gelu(-a) vanishes beyond 14.3 (float) and 38.6 (double).
    fit_normal("1.5", "14.3", 10, 24, mpf(134) / 256)
    fit_normal(2, "38.6", 27, 53, mpf(1) / 2)
    fit_normal_slope(3, "14.3", 9, 24, mpf(139) / 256)
    fit_normal_slope(4, "38.6", 21, 53, mpf(35) / 64)
    fit_gelu_exp(24, 18)
    fit_gelu_exp(53, 45)
    split("ln 2 for exp", log(2), 24, 24)
    split("ln 2 for exp", log(2), 53, 53)
    split("ln 2 for log", log(2), 24, 16)
    split("ln 2 for log", log(2), 53, 42)
    scale, alpha = mpf(SELU_LAMBDA), mpf(SELU_ALPHA)
    for bits in (24, 53):
        split("selu lambda", scale, bits, bits)
        split("selu lambda - 1", scale - 1, bits, bits)
        split("selu lambda alpha", scale * alpha, bits, bits)
    print("1 / ln 2:", float(round_to(1 / log(2), 24)).hex(), float(round_to(1 / log(2), 53)).hex())


if __name__ == "__main__":
    main()
