"""One module a command: its arguments, what it does, and the document it answers with."""
