"""Lists, search, registers and reports: what an agency looks up in its documents, and prints of it."""
