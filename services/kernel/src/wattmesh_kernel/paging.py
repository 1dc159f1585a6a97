"""How long a page of a list is."""

from wattmesh_kernel.checks import require

USUAL_PAGE, LARGEST_PAGE = 100, 1000


def page_size(asked: int, usual: int = USUAL_PAGE, largest: int = LARGEST_PAGE) -> int:
    """Return how many items a page has: what was asked, up to the largest; asked 0, the usual.

    Error: InvalidArgument when it is negative.
    """
    require(asked >= 0, "INVALID_PAGE_SIZE", "a page size is not negative", "page_size")
    return min(asked or usual, largest)
