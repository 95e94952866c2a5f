"""The inside of a message, without I/O: deltas, assembler, chunks, events, content blocks."""
