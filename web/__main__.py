"""`python -m web` is `lienthong`."""

from web.cli import main

main()
