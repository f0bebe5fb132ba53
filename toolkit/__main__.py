"""`python -m litesmith` is the `litesmith` command."""

import sys

from litesmith.cli import main

if __name__ == "__main__":
    sys.exit(main())
