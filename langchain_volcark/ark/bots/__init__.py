"""Ark bots (智能体): requests with metadata, replies with references."""
