"""HeRL: tells how well a language model does what it was asked, and makes it do better."""

__version__ = "0.1.0"
