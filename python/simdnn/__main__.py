"""The command line: ``simdnn``, or ``python -m simdnn``; see `simdnn.cli`."""

import sys

from simdnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
