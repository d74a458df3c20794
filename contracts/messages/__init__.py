"""Writing and reading the messages of each contract version."""
