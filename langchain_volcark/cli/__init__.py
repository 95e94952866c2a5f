"""Command line interface: `volcark doctor`, `volcark chat`, `volcark emulator`."""
