"""What onetake is measured against: `python -m bench`, or `make bench` (`make bench ONLY=row` for some rows)."""
