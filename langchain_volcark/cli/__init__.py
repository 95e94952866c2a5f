"""The command line: `volcark doctor`, `volcark chat`, `volcark emulator`."""
