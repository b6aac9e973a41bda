"""The append-only record's mathematics: a Merkle tree, its proofs, signed notes and checkpoints. Nothing here reads or writes."""
