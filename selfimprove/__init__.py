"""Answers made better at inference, and whether that helped: the loop, its controls, its report."""
