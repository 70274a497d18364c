"""Trains a model on rubrics: SFT, DPO, RLVR and HeRL (arXiv:2603.20046) on torch and transformers."""
