"""Baidu Qianfan: V2, the retired V1, and the two places where credentials are exchanged."""
