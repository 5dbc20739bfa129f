// Numbers as bits: REAL is the precision, WORD the type of its bits.

// The bits of a number.
static inline WORD simdnn_to_bits(REAL x) {
  union {
    REAL number;
    WORD bits;
  } both;
  both.number = x;
  return both.bits;
}

// The number of these bits.
static inline REAL simdnn_from_bits(WORD bits) {
  union {
    REAL number;
    WORD bits;
  } both;
  both.bits = bits;
  return both.number;
}

#define simdnn_sign ((WORD)1 << (8 * sizeof(WORD) - 1))

static inline REAL simdnn_abs(REAL x) { return simdnn_from_bits(simdnn_to_bits(x) & ~simdnn_sign); }

static inline REAL simdnn_copysign(REAL magnitude, REAL sign) {
  return simdnn_from_bits((simdnn_to_bits(magnitude) & ~simdnn_sign) | (simdnn_to_bits(sign) & simdnn_sign));
}
