"""Image generation with Seedream: requests, replies and streams of pictures, and a tool for agents."""
