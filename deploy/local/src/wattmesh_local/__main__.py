"""`python -m wattmesh_local`, and the console script `wattmesh`."""

from wattmesh_local.cli import app


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
