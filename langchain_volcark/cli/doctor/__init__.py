"""`volcark doctor`: why calls fail, one small check per function."""
