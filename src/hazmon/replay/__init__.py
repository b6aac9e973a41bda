"""The driver of step over history: what would have rung, had the configuration been another one."""
