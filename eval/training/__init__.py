"""Training of the verifier: ``python -m eval.training.train`` (needs torch, see ``docs/verifier.md``)."""
