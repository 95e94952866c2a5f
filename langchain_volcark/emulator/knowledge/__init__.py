"""The VikingDB knowledge base as the emulator speaks it."""
