"""What a decision costs, as ratios measured in one run; ``python -m tests.bench`` prints them."""
