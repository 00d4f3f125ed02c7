"""Pictures that are drawn from the code, for docs/architecture.md."""
