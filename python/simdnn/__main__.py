"""The command line: ``python -m simdnn [demo | train | predict | export | info]``."""

import sys

from simdnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
