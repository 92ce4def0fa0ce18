"""Texts that every tokenizer of the dashboard must cut exactly as CPython's tiktoken does."""
