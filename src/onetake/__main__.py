"""Run the project as `python -m onetake`, with the options of `kedro run`."""

from __future__ import annotations

from pathlib import Path


def main() -> None:
    """Run the project whose source this package lies in, or the one of the working directory."""
    from kedro.framework.cli.utils import find_run_command
    from kedro.framework.project import configure_project

    package_name = Path(__file__).parent.name
    configure_project(package_name)
    find_run_command(package_name)()


if __name__ == "__main__":
    main()
