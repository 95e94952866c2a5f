"""Ark bots (智能体): the chat model, its request metadata, its replies with references."""
