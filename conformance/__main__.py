"""The command `docex-conformance`: pytest over the checks of this package."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def main() -> int:
    """Run all checks with the options of the command line; `-k m06` runs one."""
    # Its own settings and plugins only: it must judge alike in any folder and beside any other test suite.
    own = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), "-p", "no:cacheprovider", "-p", "no:randomly"]
    return pytest.main([*own, str(HERE), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
