"""The auditor's questions, answered from the record: what the store reads is handed to the pure arithmetic of `coverage`."""
