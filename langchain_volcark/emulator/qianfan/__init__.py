"""Emulated Baidu Qianfan: V2, the legacy V1, and the two token endpoints."""
