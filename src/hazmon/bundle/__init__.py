"""The verifiable bundle: figures of coverage, and all that somebody needs to recompute and prove them without us.

`container` is the file, `manifest` what it claims, `evidence` what its leaves say, `pages`, `recompute` and `figures` the way
from there to the figures, `log_checks` the proofs; `verify` asks all of it, `making` and `packing` put a bundle together.
"""
