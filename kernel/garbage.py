"""Python's search for garbage, in a process that first loads what it then keeps."""

import gc


def pause() -> None:
    """Search for none from here on: nearly all that loading makes stays, and the search takes a fifth of its time."""
    gc.disable()


def resume() -> None:
    """Set aside what was made up to here, and search again.

    A full search would look at every object of the house and hold up every screen for a tenth of a second; and a fork
    shares the pages that nobody touches.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
