"""Writes instruction-following prompts whose every criterion code can decide (`herl data make-if`)."""
