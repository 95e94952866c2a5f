"""Bytes on the wire: clients, pools, retries, event streams, signatures. Knows no vendor."""
