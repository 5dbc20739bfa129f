"""Fits the polynomials here: `python cpp/math/minimax.py` prints every coefficient as a hex float.

Weighted Remez exchange in mpmath; the printed error is that of the rounded coefficients.
"""

from mpmath import atanh, expm1, linspace, log, lu_solve, matrix, mp, mpf, polyval, sqrt, tanh

mp.prec = 200


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
    """Returns c minimising max |weight(x) (f(x) - sum c_k x^k)| on [low, high]."""
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


def fit(name, f, weight, low, high, degree, bits):
    """Prints the rounded coefficients, lowest power first, and their largest weighted error."""
    c = [round_to(a, bits) for a in remez(f, weight, mpf(low), mpf(high), degree)]
    error = max(weight(x) * abs(f(x) - polyval(c[::-1], x)) for x in linspace(low, high, 1000))
    print(f"{name}, {bits} bits, degree {degree}: error 2^{float(log(error, 2)):.1f}")
    print("  " + ", ".join(float(a).hex() for a in c))


def split(name, value, bits, high_bits):
    """Prints `value` as an unevaluated sum of two floating-point numbers; the first has `high_bits` bits."""
    high = round_to(value, high_bits)
    print(f"{name}: {float(high).hex()}, {float(round_to(value - high, bits)).hex()}")


def exp_tail(r):
    """(exp(r) - 1 - r) / r^2."""
    return mpf(1) / 2 + r / 6 if abs(r) < mpf(2) ** -60 else (expm1(r) - r) / r**2


def log_tail(v):
    """(2 atanh(s) / s - 2) / s^2 with v = s^2."""
    s = sqrt(v)
    return mpf(2) / 3 if v < mpf(2) ** -60 else (2 * atanh(s) / s - 2) / v


def tanh_tail(v):
    """(tanh(x) / x - 1) / x^2 with v = x^2."""
    x = sqrt(v)
    return -mpf(1) / 3 + 2 * v / 15 if v < mpf(2) ** -60 else (tanh(x) / x - 1) / v


def main():
    half = log(2) / 2 * mpf("1.0001")
    # The tail enters exp as r^2 tail, expm1 as r tail relative to r; the constant keeps the weight off zero.
    for degree, bits in ((5, 24), (10, 53)):
        fit("exp tail", exp_tail, lambda r: abs(r) + mpf(1) / 20, -half, half, degree, bits)
    fit("short exp tail", exp_tail, lambda r: r**2, -half, half, 4, 24)
    # m in [2/3, 4/3): s = (m - 1) / (m + 1) in [-1/5, 1/7]; the tail enters as s^3 tail relative to s.
    for degree, bits in ((2, 24), (6, 53)):
        fit("log tail", log_tail, lambda v: v + mpf(1) / 200, 0, mpf("0.0401"), degree, bits)
    # |x| <= 5/8; the tail enters tanh as x^3 tail relative to x.
    for degree, bits in ((4, 24), (12, 53)):
        fit("tanh tail", tanh_tail, lambda v: v + mpf(1) / 100, 0, mpf("0.3908"), degree, bits)
    split("ln 2 for exp", log(2), 24, 24)
    split("ln 2 for exp", log(2), 53, 53)
    split("ln 2 for log", log(2), 24, 16)
    split("ln 2 for log", log(2), 53, 42)
    print("1 / ln 2:", float(round_to(1 / log(2), 24)).hex(), float(round_to(1 / log(2), 53)).hex())


if __name__ == "__main__":
    main()
