"""Random numbers of the papers: Philox4x32-10, SplitMix64, and the shuffle of Fisher and Yates."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LOW = 0xFFFFFFFF
#: Random words of a block: sixteen counters with four words each.
BLOCK = 64


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Ten rounds of Salmon, Moraes, Dror & Shaw 2011, section 4.3."""
    a, b, c, d = counter
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ key[0], second & LOW, (first >> 32) ^ d ^ key[1], first & LOW
        key = (key[0] + 0x9E3779B9) & LOW, (key[1] + 0xBB67AE85) & LOW
    return a, b, c, d


def words(seed: int, index: int, rows: int, columns: int, *, stream: int = 0, each: int = 1) -> Array:
    """Random words [each, rows, columns] of the pass `index` of a random layer."""
    key, blocks = (seed & LOW, seed >> 32), -(-columns // BLOCK)
    found = np.zeros((each, rows, blocks * BLOCK), np.uint64)
    for row, block, kind, lane in np.ndindex(rows, blocks, each, 16):
        count = ((row * blocks + block) * each + kind) * 16 + lane
        drawn = philox((count & LOW, (count >> 32) << 16 | stream, index & LOW, index >> 32), key)
        found[kind, row, block * BLOCK + lane : (block + 1) * BLOCK : 16] = drawn
    return found[:, :, :columns]


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The order of an epoch: Fisher and Yates' shuffle by SplitMix64 (Steele, Lea & Flood 2014)."""
    whole = 2**64 - 1
    state = seed

    def draw() -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & whole
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & whole
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & whole
        return z ^ z >> 31

    state = draw() ^ (epoch * 0xD1342543DE82EF95 & whole)
    draw()
    order = list(range(count))
    for i in range(count, 1, -1):
        number = draw()
        while number < (1 << 64) % i:
            number = draw()
        place = number % i
        order[i - 1], order[place] = order[place], order[i - 1]
    return order
