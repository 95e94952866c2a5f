"""Image generation: Seedream's models and rules, drawn pictures, replies and streams.

API: https://www.volcengine.com/docs/82379/1541523.
"""
