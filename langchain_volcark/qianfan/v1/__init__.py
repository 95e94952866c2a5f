"""Qianfan V1: its own wire format, for private deployments that still speak it."""
