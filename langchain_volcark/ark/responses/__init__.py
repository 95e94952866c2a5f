"""Ark's Responses API: requests, replies and stored conversations.

Follows https://www.volcengine.com/docs/82379/1569618 (Responses API).
"""
