"""Pages of lists."""

from wattmesh_kernel.checks import require

USUAL_PAGE, LARGEST_PAGE = 100, 1000


def page_size(size: int) -> int:
    """Return how many items a page has; InvalidArgument when it is negative."""
    require(size >= 0, "INVALID_PAGE_SIZE", "a page size is not negative", "page_size")
    return min(size or USUAL_PAGE, LARGEST_PAGE)
