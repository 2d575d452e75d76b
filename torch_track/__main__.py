"""python -m torch_track LESSON: one lesson in this process."""

from __future__ import annotations


def main(slug: str | None = None) -> None:
    """Run the lesson named here or on the command line, with `twotrack run` options."""
    from shared.cli import run_here

    run_here("torch", slug)


if __name__ == "__main__":
    main()
