"""`POST /responses` and what belongs to it: rules, storage, hosted tools, replies and streams.

Responses API: https://www.volcengine.com/docs/82379/1569618.
"""
