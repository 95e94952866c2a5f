"""Ark's video generation tasks: https://www.volcengine.com/docs/82379/1520757."""
