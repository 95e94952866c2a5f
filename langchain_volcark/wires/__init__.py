"""Wire formats: how a model call becomes a request, and a reply or stream becomes deltas."""
