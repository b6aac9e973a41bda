"""hazmon: uninterrupted monitoring of a chemical park's major hazard sources."""
