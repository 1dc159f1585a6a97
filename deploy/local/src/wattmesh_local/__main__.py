"""`python -m wattmesh_local`, and the console script `wattmesh`."""

import sys


def main() -> None:
    """Run the command; a Ctrl-C before it has begun ends it without a word."""
    try:
        from wattmesh_local.cli import app  # takes a second
    except KeyboardInterrupt:
        sys.exit(130)
    app()


if __name__ == "__main__":
    main()
