"""What no example thinks of: junk on the wire, junk in a history, bytes cut anywhere.

The suite runs a fixed set of examples. `python -m tests.fuzz` (`make fuzz`) looks for new ones as long as it is let.
"""
