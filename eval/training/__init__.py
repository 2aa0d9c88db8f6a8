"""Training of the verifier: ``python -m eval.training.train``, with torch (docs/verifier.md)."""
