"""Run as a program of its own: a page of HTML on stdin, its PDF on stdout.

A register of a year is many pages; laying them out takes memory and many seconds of CPU, and a missing font library
kills the process instead of raising. Here that ends this process only. Imports nothing of the house.
"""

import resource
import sys

MEMORY_BYTES = 3 * 1024**3
CPU_SECONDS = 60


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Lay it out; whatever the page asks for from outside is refused."""
    _limit()
    import weasyprint

    def nothing(url: str, *_: object, **__: object) -> object:
        raise ValueError("registers load nothing")

    html = sys.stdin.buffer.read().decode("utf-8")
    sys.stdout.buffer.write(weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf())


if __name__ == "__main__":
    main()
