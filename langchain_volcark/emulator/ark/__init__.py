"""Volcengine Ark: the data plane's chat, models and tokenization, and the control plane's temporary keys."""
