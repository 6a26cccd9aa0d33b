"""What functions keep in their workers, past their tasks. Workers get this module as a file."""

# Views, and copies of what they showed.
KEPT = []
# Each lets a thread or a process go that waits to write late.
WRITERS = []


def let_writers_go():
    """Lets those write who wait since earlier batches."""
    while WRITERS:
        WRITERS.pop()()
